/**
 * How a child reports the end of its start to its parent, with one call on the parent's session
 * socket: `child.ready` with the address it serves, or `child.failed` with the reason. Duplicators,
 * gateways and app servers report readiness on their permanent connections instead. Opens a socket.
 */
import { ERROR_CODES, MirrorflowError, describeError, type ErrorCode } from '../../base/errors.js';
import type { TokenPath } from '../../base/paths.js';
import { CONTRACT, type MirrorflowContract } from '../../rpc/contract/methods.js';
import type { StartFailure } from '../../rpc/contract/shapes.js';
import type { Logger } from '../../base/log.js';
import { printableText } from '../../base/printable.js';
import { connectSession } from '../../rpc/xml-rpc/connect-session.js';
import { callerOf, type CallOf } from '../../rpc/xml-rpc/contract.js';
import { LAUNCH_VARIABLE } from './child.js';
import { proveChild } from './prove-child.js';

/** The server that has started this process. */
export interface ParentServer {
  /** The parent's socket for control: readers cannot use up its connections. */
  readonly socket: string;
  /** The parent's file with the token for children. */
  readonly childToken: TokenPath;
}

/** Characters of a message that the contract carries. */
const MESSAGE_CHARACTERS = 4096;
/** Longer than a busy machine takes for a call, shorter than a parent waits for its child. */
const REPORT_TIMEOUT_MS = 5_000;

/**
 * Reports a failed start. Does nothing in a process that no parent has launched. Never rejects: the
 * exit code reports the failure too.
 */
export async function reportFailedStart(
  parent: ParentServer | undefined,
  error: unknown,
  log: Logger,
): Promise<void> {
  const code = error instanceof MirrorflowError ? error.code : 'START_FAILED';
  const message = printableText(describeError(error)).slice(0, MESSAGE_CHARACTERS);
  await reportToParent(parent, log, (launch, call) => call('child.failed', [{ launch, code, message }]));
}

/** Reports the address that this process serves; otherwise as `reportFailedStart`. */
export async function reportAddress(parent: ParentServer, address: string, log: Logger): Promise<void> {
  const { pid } = process;
  await reportToParent(parent, log, (launch, call) => call('child.ready', [{ launch, pid, address }]));
}

/** The error that a child has reported with child.failed. */
export function errorOfStartFailure({ code, message }: StartFailure): MirrorflowError {
  const known: ErrorCode = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'START_FAILED';
  return new MirrorflowError(known, message);
}

async function reportToParent(
  parent: ParentServer | undefined,
  log: Logger,
  report: (launch: string, call: CallOf<MirrorflowContract>) => Promise<unknown>,
): Promise<void> {
  const launch = process.env[LAUNCH_VARIABLE];
  if (parent === undefined || launch === undefined) return;
  try {
    const session = await connectSession(
      { path: parent.socket },
      { context: () => undefined, log, connectTimeoutMs: REPORT_TIMEOUT_MS },
    );
    await proveChild(session, parent.childToken);
    await report(launch, callerOf(CONTRACT, session));
    await session.close();
  } catch (failure) {
    log.warn('the report to the parent failed', { error: failure });
  }
}
