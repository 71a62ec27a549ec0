/**
 * Listens for duplicators of other hosts: whoever connects must have proved himself within a
 * moment, and until then costs next to nothing. What a proved one gets is its owner's affair.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import { checkListening } from '../../protocol/rpc/security/listening.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { ListenerHandshake } from '../../protocol/flow/wire/handshake.js';
import { encodeRefusal, type WireHello } from '../../protocol/flow/wire/handshake-messages.js';
import { RareLog } from './rare-log.js';

/** From the connection to the proof, however slowly it comes. */
const PROOF_WITHIN_MS = 3_000;
/** Connections that have not proved anything yet; a newer one ends the oldest of them. */
const UNPROVED_MAX = 64;

/**
 * A proved connection is its taker's from now on; undefined: taken. A MirrorflowError is told to
 * the other side, and ends it.
 */
export type Welcome = (
  socket: Socket,
  peer: string,
  hello: WireHello,
  rest: Buffer,
) => Promise<MirrorflowError | undefined>;

interface Unproved {
  readonly socket: Socket;
  readonly cancel: () => void;
}

export class RemoteListener {
  readonly #secret: Secret;
  readonly #security: Security;
  readonly #clock: Clock;
  readonly #log: RareLog;
  readonly #welcome: Welcome;
  readonly #attempts: FailedAttempts;
  /** In the order in which they came. */
  readonly #unproved = new Set<Unproved>();
  #server: Server | undefined;

  constructor(security: Security, secret: Secret, clock: Clock, log: Logger, welcome: Welcome) {
    this.#security = security;
    this.#secret = secret;
    this.#clock = clock;
    this.#log = new RareLog(clock, log);
    this.#welcome = welcome;
    this.#attempts = new FailedAttempts(clock);
  }

  get unproved(): number {
    return this.#unproved.size;
  }

  /** Resolves with where it listens. Throws BAD_OPTION, ADDRESS_IN_USE or SYSTEM_ERROR. */
  async listen(address: AddressOf<'tcp' | 'tls'>): Promise<AddressOf<'tcp' | 'tls'>> {
    checkListening(address, this.#security);
    const server = this.#makeServer(address.scheme);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.#notListening(address, error)));
      server.listen({ host: address.host, port: address.port }, resolve);
    });
    server.on('error', (error) => this.#log.warn('the listener for other hosts failed', { error }));
    this.#server = server;
    return { ...address, port: (server.address() as AddressInfo).port };
  }

  /** Nobody is listened to any more; proved connections are not touched. Idempotent. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const unproved of this.#unproved) this.#forget(unproved, true);
  }

  #makeServer(scheme: 'tcp' | 'tls'): Server {
    const { identity } = this.#security;
    if (scheme === 'tcp' || identity === undefined)
      return createServer({ noDelay: true }, (socket) => this.#connected(socket));
    const secureContext = createSecureContext({ ...identity, minVersion: 'TLSv1.2' });
    // The moment in which TLS begins counts like the rest of the handshake.
    return createServer({ noDelay: true }, (socket) =>
      this.#connected(new TLSSocket(socket, { isServer: true, secureContext })),
    );
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const peer = `${address}:${socket.remotePort ?? 0}`;
    if (this.#attempts.refusedForMs(address) > 0) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const unproved = this.#await(socket);
    const handshake = new ListenerHandshake(this.#secret);
    const failed = (reason: string): void => {
      this.#forget(unproved, false);
      this.#log.warn('a connection of another host was closed', { reason, peer });
    };
    const onError = (error: Error): void => failed(describeError(error));
    const onClose = (): void => {
      if (this.#unproved.has(unproved)) failed('it went before it had proved anything');
    };
    const onData = (chunk: Buffer): void => {
      const step = handshake.push(chunk);
      switch (step.kind) {
        case 'more':
          if (step.send !== undefined) socket.write(step.send);
          return;
        case 'failed':
          failed(step.error.message);
          if (this.#attempts.failed(address))
            this.#log.warn('an address failed too often and is not listened to for a while', { address });
          socket.removeListener('data', onData);
          socket.end(step.send);
          socket.destroySoon();
          return;
        case 'proved':
          this.#attempts.succeeded(address);
          this.#forget(unproved, false);
          socket.pause();
          for (const [event, listener] of [['data', onData], ['error', onError], ['close', onClose]] as const)
            socket.removeListener(event, listener); // prettier-ignore
          void this.#hand(socket, peer, step.hello, step.rest);
          return;
      }
    };
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  async #hand(socket: Socket, peer: string, hello: WireHello, rest: Buffer): Promise<void> {
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    const refusal = await this.#welcome(socket, peer, hello, rest);
    if (refusal === undefined) return;
    this.#log.warn('a duplicator of another host was refused', { peer, error: refusal });
    socket.end(encodeRefusal(refusal.code, refusal.message));
    socket.destroySoon();
  }

  #await(socket: Socket): Unproved {
    const [oldest] = this.#unproved;
    if (oldest !== undefined && this.#unproved.size >= UNPROVED_MAX) {
      this.#log.warn('a connection of another host was closed', {
        reason: `${UNPROVED_MAX} others wait to prove themselves`,
        peer: oldest.socket.remoteAddress ?? '',
      });
      this.#forget(oldest, true);
    }
    const cancel = this.#clock.after(
      PROOF_WITHIN_MS,
      () => {
        this.#log.warn('a connection of another host was closed', {
          reason: `it proved nothing within ${PROOF_WITHIN_MS} ms`,
          peer: socket.remoteAddress ?? '',
        });
        this.#forget(unproved, true);
      },
      true,
    );
    const unproved = { socket, cancel };
    this.#unproved.add(unproved);
    return unproved;
  }

  #forget(unproved: Unproved, destroy: boolean): void {
    unproved.cancel();
    this.#unproved.delete(unproved);
    if (destroy) unproved.socket.destroy();
  }

  #notListening(address: AddressOf<'tcp' | 'tls'>, error: Error): MirrorflowError {
    const text = formatAddress(address);
    return systemCode(error) === 'EADDRINUSE'
      ? new MirrorflowError('ADDRESS_IN_USE', `${text} is taken by another program`, { address: text }, error)
      : new MirrorflowError(
          'SYSTEM_ERROR',
          `${text} cannot be listened on: ${describeError(error)}`,
          { address: text },
          error,
        );
  }
}
