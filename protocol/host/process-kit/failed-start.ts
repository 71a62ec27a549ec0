/**
 * A child's last word to its parent when it could not become ready: why, as a call on the parent's
 * socket.
 */
import { MirrorflowError, describeError } from '../../base/errors.js';
import { CONTRACT } from '../../rpc/contract/methods.js';
import type { Logger } from '../../base/log.js';
import { connectSession } from '../../rpc/xml-rpc/connect-session.js';
import { callerOf } from '../../rpc/xml-rpc/contract.js';
import { LAUNCH_VARIABLE } from './child.js';

const MESSAGE_CHARACTERS = 4096;
/** Longer than a busy machine takes for a word, shorter than the parent waits for a child. */
const REPORT_MS = 5_000;

/**
 * Does nothing for a process that no parent has launched. Never rejects: the exit code says it too.
 * `socket`: of the parent's sessions.
 */
export async function reportFailedStart(
  socket: string | undefined,
  error: unknown,
  log: Logger,
): Promise<void> {
  const launch = process.env[LAUNCH_VARIABLE];
  if (socket === undefined || launch === undefined) return;
  try {
    const session = await connectSession(
      { path: socket },
      { context: () => undefined, log, connectTimeoutMs: REPORT_MS },
    );
    const code = error instanceof MirrorflowError ? error.code : 'START_FAILED';
    const message = describeError(error).slice(0, MESSAGE_CHARACTERS);
    await callerOf(CONTRACT, session)('child.failed', [{ launch, code, message }], { timeoutMs: REPORT_MS });
    await session.close();
  } catch (failure) {
    log.warn('the parent could not be told of the failed start', { error: failure });
  }
}
