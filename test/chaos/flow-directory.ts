/**
 * The flow directory of a chaos run, where its flow files live: a small tmpfs of its own where this
 * user may mount one, so that the fault `fill-flow-directory` can fill it without harm to other
 * programs. `ChaosSystem` creates and removes it. Mounts, writes and unmounts below /dev/shm.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../protocol/base/errors.js';

/** Room for all flow files of the plan. */
const SIZE_MIB = 96;
/** Written at once while the disk has room; then halved down to a page. */
const CHUNK_BYTES = 1024 * 1024;
const PAGE_BYTES = 4096;

export class FlowDirectory {
  readonly path = mkdtempSync('/dev/shm/mirrorflow-chaos-');
  /** Whether the directory is a file system of its own, which may be filled. */
  readonly fillable: boolean;

  constructor() {
    const mounted = spawnSync('mount', [
      '-t',
      'tmpfs',
      '-o',
      `size=${SIZE_MIB}m,mode=0750`,
      'tmpfs',
      this.path,
    ]);
    this.fillable = mounted.status === 0;
  }

  /** Fills all free space; returns the function that frees it again. */
  fill(): () => void {
    const path = join(this.path, 'filler');
    const fd = openSync(path, 'w');
    for (let bytes = CHUNK_BYTES; bytes >= PAGE_BYTES;) {
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

  /** Unmounts and deletes the directory, also while leftover processes still use it. */
  remove(): void {
    // A process that was left behind keeps the file system busy; the run reports it as a leftover.
    if (this.fillable && spawnSync('umount', [this.path]).status !== 0)
      spawnSync('umount', ['--lazy', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}
