/**
 * Checks a configuration file as the host server reads it, with the files of secret and
 * certificates that it names.
 *
 * `mirrorflow host check` calls it. The host server's program does the work, as a child process
 * that starts nothing.
 */
import { execFile } from 'node:child_process';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';

/** Around the message, as the program reports bad usage. */
const PROGRAM_NAME = /^mirrorflow-host-server: | \(--help lists the options\)$/g;

/** Throws BAD_CONFIGURATION with every problem of the file. */
export function checkConfiguration(file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [programPath('host-server'), '--check', '--config', file];
    execFile(process.execPath, args, (failed, _stdout, stderr) => {
      if (failed === null) return resolve();
      const message = stderr.trim().replaceAll(PROGRAM_NAME, '') || failed.message;
      reject(new MirrorflowError('BAD_CONFIGURATION', message, { file }, failed));
    });
  });
}
