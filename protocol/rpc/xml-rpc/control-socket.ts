/**
 * Opens and accepts permanent connections between host servers over TCP and TLS: runs the handshake
 * of `control-handshake.ts` over a socket, within a bounded time, and starts the session after it.
 * Owns the socket until the session does.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatAddress, type AddressOf } from '../../base/address.js';
import { systemClock, type Clock } from '../../base/clock.js';
import { describeError, MirrorflowError, systemCode } from '../../base/errors.js';
import { ControlCaller, ControlListener, type Handshake } from '../security/control-handshake.js';
import { checkConnecting } from '../security/connecting.js';
import type { Security } from '../security/options.js';
import type { RecordProtection } from '../security/records.js';
import type { Secret } from '../security/secret.js';
import { TLS_CALLER, transportOf } from '../security/transport.js';
import type { RpcSession, SessionOptions } from './session.js';
import { openSession } from './session-server.js';

/** From the first byte of a handshake to its last. */
export const CONTROL_HANDSHAKE_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;

export interface ControlOptions<Context> extends SessionOptions<Context> {
  readonly connectTimeoutMs?: number;
  readonly handshakeTimeoutMs?: number;
  /** Aborting it while the connection is opened rejects with CLOSED. */
  readonly signal?: AbortSignal;
}

/**
 * Accepts a permanent connection on a connected socket; without a secret, every connection is
 * refused. Rejects with REFUSED, VERSION_MISMATCH, BAD_MESSAGE, TIMED_OUT or TRANSPORT_ERROR; the
 * socket is then closed.
 */
export async function acceptControl<Context>(
  socket: Socket,
  secret: Secret | undefined,
  options: ControlOptions<Context>,
): Promise<RpcSession<Context>> {
  const listener = new ControlListener(secret, transportOf(socket, 'listener'));
  return startSession(socket, options, await shakeHands(socket, listener, options));
}

/**
 * Connects to a server; both ends prove the shared secret. Rejects with TRANSPORT_ERROR, with the
 * address, if the server cannot be reached, REFUSED if the secrets differ or a host with a
 * certificate would connect without TLS, VERSION_MISMATCH with both versions, CLOSED if aborted.
 */
export async function connectControl<Context>(
  address: AddressOf<'tcp' | 'tls'>,
  { secret, trust, identity }: Pick<Security, 'trust' | 'identity'> & { readonly secret: Secret },
  options: ControlOptions<Context>,
): Promise<RpcSession<Context>> {
  const { host, port } = address;
  checkConnecting(address, { identity, trust });
  const socket =
    address.scheme === 'tls'
      ? connectTls({
          host,
          port,
          servername: serverName(host),
          ...TLS_CALLER,
          ...identity,
          ...(trust.ca !== undefined && { ca: trust.ca }),
        })
      : connectTcp({ host, port });
  try {
    await connected(socket, address, options);
    const caller = new ControlCaller(secret, transportOf(socket, 'caller'));
    return startSession(socket, options, await shakeHands(socket, caller, options));
  } catch (thrown) {
    socket.destroy();
    throw withAddress(address, thrown);
  }
}

/** TLS sends no server name for a host given as an IP address. */
function serverName(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

function startSession<Context>(
  socket: Socket,
  options: ControlOptions<Context>,
  protection: RecordProtection | undefined,
): RpcSession<Context> {
  const session = openSession(socket, { ...options, protection });
  socket.resume();
  return session;
}

function connected(
  socket: Socket,
  { scheme }: AddressOf<'tcp' | 'tls'>,
  options: { readonly connectTimeoutMs?: number; readonly signal?: AbortSignal; readonly clock?: Clock },
): Promise<void> {
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS, signal, clock = systemClock } = options;
  return new Promise((resolve, reject) => {
    const event = scheme === 'tls' ? 'secureConnect' : 'connect';
    const aborted = (): void => done(new MirrorflowError('CLOSED', 'the attempt was aborted'));
    const cancel = clock.after(connectTimeoutMs, () => {
      done(new MirrorflowError('TIMED_OUT', `no connection within ${connectTimeoutMs} ms`));
    });
    const done = (error?: Error): void => {
      cancel();
      signal?.removeEventListener('abort', aborted);
      socket.off(event, done);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once(event, () => done());
    // Remains after a failure: a later error of the abandoned socket must not end the process.
    socket.on('error', done);
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted);
  });
}

/**
 * Runs one end of a handshake; resolves with the protection of what follows. The socket is paused
 * afterwards, and closed after a refusal.
 */
function shakeHands(
  socket: Socket,
  handshake: Handshake,
  options: { readonly handshakeTimeoutMs?: number; readonly clock?: Clock },
): Promise<RecordProtection | undefined> {
  const { handshakeTimeoutMs = CONTROL_HANDSHAKE_TIMEOUT_MS, clock = systemClock } = options;
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      socket.off('data', receive);
      socket.off('close', closed);
      socket.pause();
    };
    const end = (error: MirrorflowError): void => {
      stop();
      // The reason of a refusal is sent before the socket is closed.
      socket.end();
      socket.destroySoon();
      reject(error);
    };
    const closed = (): void =>
      end(new MirrorflowError('TRANSPORT_ERROR', 'the connection was closed during the handshake'));
    const receive = (chunk: Buffer): void => {
      const { send, outcome, rest, protection } = handshake.push(chunk);
      if (send !== undefined) socket.write(send);
      if (outcome === 'more') return;
      if (outcome !== 'proven') return end(outcome);
      stop();
      resolve(protection);
      if (rest !== undefined && rest.length > 0) socket.unshift(rest);
    };
    const cancel = clock.after(handshakeTimeoutMs, () => {
      end(
        new MirrorflowError('TIMED_OUT', `the handshake was not completed within ${handshakeTimeoutMs} ms`),
      );
    });
    socket.on('error', () => undefined);
    socket.on('data', receive);
    socket.once('close', closed);
    if (handshake.opening !== undefined) socket.write(handshake.opening);
    socket.resume();
    if (socket.destroyed) closed();
  });
}

function withAddress(address: AddressOf<'tcp' | 'tls'>, thrown: unknown): MirrorflowError {
  const text = formatAddress(address);
  if (thrown instanceof MirrorflowError) {
    const code = thrown.code === 'TIMED_OUT' ? 'TRANSPORT_ERROR' : thrown.code;
    return new MirrorflowError(
      code,
      `${text}: ${thrown.message}`,
      { ...thrown.facts, address: text },
      thrown,
    );
  }
  const system = systemCode(thrown) ?? 'none';
  const reason = system === 'ECONNREFUSED' ? 'no server listens there' : describeError(thrown);
  return new MirrorflowError(
    'TRANSPORT_ERROR',
    `cannot connect to ${text}: ${reason}`,
    { address: text, system },
    thrown,
  );
}
