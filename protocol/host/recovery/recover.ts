/**
 * Runs the recovery program on the flow file of a dead owner, in a process of its own that may
 * crash or hang, and trusts only its report. A duplicator that takes a file over calls it. Starts a
 * process.
 */
import { execFile } from 'node:child_process';
import { describeError } from '../../base/errors.js';
import { programPath } from '../../base/installation.js';
import type { Logger } from '../../base/log.js';
import { ownChildEnvironment } from '../process-kit/environment.js';
import { parseReport, type RecoveryReport } from './report.js';

/** Path of another recovery program; for tests of one that fails. */
const PROGRAM_VARIABLE = 'MIRRORFLOW_RECOVERY';

/** A recovery that takes longer is killed. Repairing the largest image takes some 300 ms. */
export const RECOVERY_TIMEOUT_MS = 4_000;
/** A killed or crashed recovery is retried once: it leaves the file as repairable as before. */
const ATTEMPTS = 2;
const REPORT_BYTES_MAX = 1024 * 1024;

/** The report of the repair; undefined when no attempt gave one: the file is not to be trusted. */
export async function recover(path: string, log: Logger): Promise<RecoveryReport | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const answer = await runOnce(path);
    if (typeof answer !== 'string') return answer;
    log.warn('the recovery of a flow file failed', { file: path, attempt, of: ATTEMPTS, reason: answer });
  }
  return undefined;
}

/** The report, or the reason why there is none. */
function runOnce(path: string): Promise<RecoveryReport | string> {
  const program = process.env[PROGRAM_VARIABLE] || programPath('recovery');
  return new Promise((resolve) => {
    const options = {
      timeout: RECOVERY_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: REPORT_BYTES_MAX,
      env: ownChildEnvironment(process.env),
    } as const;
    try {
      execFile(process.execPath, [program, 'repair', path, '--json'], options, (failed, stdout, stderr) => {
        const report = parseReport(stdout);
        if (report !== undefined) resolve(report);
        else if (failed?.killed === true)
          resolve(`it took longer than ${RECOVERY_TIMEOUT_MS} ms and was killed`);
        else resolve(stderr.trim() || failed?.signal || failed?.message || 'it reported nothing');
      });
    } catch (error) {
      resolve(`it could not be started: ${describeError(error)}`);
    }
  });
}
