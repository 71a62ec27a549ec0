/**
 * The flow directory of a chaos run: a small tmpfs where mounting is permitted, so that a fault can
 * fill it without filling /dev/shm of the machine.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../protocol/base/errors.js';

const SIZE_MIB = 96;
const CHUNK_BYTES = 1024 * 1024;

export class FlowDirectory {
  readonly directory = mkdtempSync('/dev/shm/mirrorflow-chaos-');
  /** Whether the directory is a file system of its own, which may be filled. */
  readonly fillable: boolean;

  constructor() {
    const mounted = spawnSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${SIZE_MIB}m,mode=0750`,
      'tmpfs',
      this.directory,
    ]);
    this.fillable = mounted.status === 0;
  }

  /** Writes a file over all free space; returns a function that removes the file. */
  fill(): () => void {
    const path = join(this.directory, 'filler');
    const fd = openSync(path, 'w');
    for (let bytes = CHUNK_BYTES; bytes >= 4096;) {
      try {
        writeSync(fd, Buffer.alloc(bytes));
      } catch (error) {
        if (systemCode(error) !== 'ENOSPC') throw error;
        bytes /= 2;
      }
    }
    closeSync(fd);
    return () => rmSync(path, { force: true });
  }

  remove(): void {
    if (this.fillable) spawnSync('umount', [this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
