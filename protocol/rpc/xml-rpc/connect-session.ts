/**
 * Opens a session (a connection on which both sides may call) to a Unix socket or TCP port. Used by
 * the client library, permanent connections, and children that report a failed start. Opens a
 * socket, which the session then owns.
 */
import { Socket } from 'node:net';
import { MirrorflowError } from '../../base/errors.js';
import type { RpcSession, SessionOptions } from './session.js';
import { openSession } from './session-server.js';
import { checkPath, connectError, formatTarget, type RpcTarget } from './target.js';

const CONNECT_TIMEOUT_MS = 5_000;

export interface ConnectOptions<Context> extends SessionOptions<Context> {
  /** Default: 5 s. */
  readonly connectTimeoutMs?: number;
  /** Aborting it while the connection is opened rejects with CLOSED. */
  readonly signal?: AbortSignal;
}

/**
 * Rejects with TRANSPORT_ERROR, with the address and the cause, if no server accepts the connection
 * in time, and with BAD_ADDRESS for a socket path of a wrong length.
 */
export async function connectSession<Context = undefined>(
  target: RpcTarget,
  options: ConnectOptions<Context>,
): Promise<RpcSession<Context>> {
  checkPath(target);
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS, signal } = options;
  const timeout = AbortSignal.timeout(connectTimeoutMs);
  const socket = new Socket();
  try {
    await connected(socket, target, signal === undefined ? timeout : AbortSignal.any([timeout, signal]));
  } catch (thrown) {
    socket.destroy();
    const address = formatTarget(target);
    if (signal?.aborted === true) {
      throw new MirrorflowError('CLOSED', `connecting to ${address} was aborted`, { address }, thrown);
    }
    const timedOut = new Error(`no connection within ${connectTimeoutMs} ms`);
    throw connectError(target, timeout.aborted ? timedOut : thrown);
  }
  return openSession(socket, options);
}

function connected(socket: Socket, target: RpcTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => done(new Error('aborted'));
    const done = (error?: Error): void => {
      signal.removeEventListener('abort', aborted);
      socket.off('connect', done);
      if (error === undefined) {
        socket.off('error', done);
        resolve();
      } else reject(error);
    };
    socket.on('connect', done);
    // Remains after a failure: a later error of the abandoned socket must not end the process.
    socket.on('error', done);
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted);
    if ('path' in target) socket.connect({ path: target.path });
    else socket.connect({ host: target.host, port: target.port });
  });
}
