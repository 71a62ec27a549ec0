/**
 * Checks a configuration file as the host server reads it, with the files of secret and
 * certificates that it names.
 *
 * `mirrorflow host check` and `mirrorflow doctor` call it. The host server's program does the work,
 * as a child process that starts nothing.
 */
import { execFile } from 'node:child_process';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Environment } from '../../protocol/base/paths.js';

/** Around the message, as the program reports bad usage. */
const PROGRAM_NAME = /^mirrorflow-host-server: | \(--help lists the options\)$/g;

/**
 * Checks the options of a host server: `--config FILE`, and those that it gets beside the file,
 * with paths from `workingDirectory` on (default: the own one).
 * Throws BAD_CONFIGURATION with every problem.
 */
export function checkConfiguration(
  options: readonly string[],
  env: Environment,
  workingDirectory?: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = [programPath('host-server'), '--check', ...options];
    execFile(process.execPath, args, { env, cwd: workingDirectory }, (failed, _stdout, stderr) => {
      if (failed === null) return resolve();
      const message = stderr.trim().replaceAll(PROGRAM_NAME, '') || failed.message;
      reject(new MirrorflowError('BAD_CONFIGURATION', message, {}, failed));
    });
  });
}
