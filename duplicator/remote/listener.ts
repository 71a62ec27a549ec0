/**
 * Listens for duplicators of other hosts and proves each connection: a peer must prove the shared
 * secret within PROOF_WITHIN_MS, and costs little memory before; each address has few places for
 * such connections, and hosts of the configuration have places of their own. A proved connection is
 * handed to the owner, RemoteServer. Opens a TCP or TLS listener.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket, createSecureContext } from 'node:tls';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { FAILED_ATTEMPTS_LIMITS, FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import { checkListening } from '../../protocol/rpc/security/listening.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { ConfiguredPeers } from '../../protocol/rpc/security/peer-addresses.js';
import type { RecordProtection } from '../../protocol/rpc/security/records.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { TLS_LISTENER, transportOf } from '../../protocol/rpc/security/transport.js';
import { UnprovenPlaces, type UnprovenLimits } from '../../protocol/rpc/security/unproven-places.js';
import { ListenerHandshake } from '../../protocol/flow/wire/handshake.js';
import { encodeRefusal, type WireHello } from '../../protocol/flow/wire/handshake-messages.js';

/** Longest time from the connection to the proof, milliseconds. */
const PROOF_WITHIN_MS = 3_000;
/** Connections without a proof. */
const UNPROVEN_LIMITS: UnprovenLimits = { perAddress: 8, total: 64, perPeer: 16 };

/** A peer that has the secret; `rest`: bytes that arrived behind the handshake. */
export interface ProvedConnection {
  readonly socket: Socket;
  /** Address and port, for the log. */
  readonly peer: string;
  readonly hello: WireHello;
  readonly rest: Buffer;
  /** Protection of everything that follows; undefined over TLS. */
  readonly protection: RecordProtection | undefined;
}

/**
 * Takes over a proved connection. Resolves with undefined, or with the error that is sent to the
 * peer before the connection is closed.
 */
export type ProvedConnectionHandler = (proved: ProvedConnection) => Promise<MirrorflowError | undefined>;

export interface RemoteListenerOptions {
  readonly security: Security;
  readonly secret: Secret;
  /** Names or addresses of the hosts of the configuration. */
  readonly peers: readonly string[];
}

/** A connection without a proof; `stop` ends its time limit and gives its place back. */
interface UnprovedConnection {
  readonly socket: Socket;
  readonly stop: () => void;
}

export class RemoteListener {
  readonly #secret: Secret;
  readonly #security: Security;
  readonly #clock: Clock;
  readonly #log: RateLimitedLog;
  readonly #onProved: ProvedConnectionHandler;
  readonly #attempts: FailedAttempts;
  readonly #places: UnprovenPlaces;
  readonly #unproved = new Set<UnprovedConnection>();
  #server: Server | undefined;

  constructor(
    { security, secret, peers }: RemoteListenerOptions,
    clock: Clock,
    log: Logger,
    onProved: ProvedConnectionHandler,
  ) {
    this.#security = security;
    this.#secret = secret;
    this.#clock = clock;
    this.#log = new RateLimitedLog(clock, log);
    this.#onProved = onProved;
    const configured = new ConfiguredPeers(peers, clock);
    const isPeer = (address: string): boolean => configured.has(address);
    this.#attempts = new FailedAttempts(clock, FAILED_ATTEMPTS_LIMITS, isPeer);
    this.#places = new UnprovenPlaces(UNPROVEN_LIMITS, isPeer);
  }

  /**
   * Resolves with the address and its actual port. Throws BAD_OPTION, ADDRESS_IN_USE or
   * SYSTEM_ERROR.
   */
  async listen(address: AddressOf<'tcp' | 'tls'>): Promise<AddressOf<'tcp' | 'tls'>> {
    checkListening(address, this.#security);
    const server = this.#makeServer(address.scheme);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(this.#listenError(address, error)));
      server.listen({ host: address.host, port: address.port }, resolve);
    });
    server.on('error', (error) => this.#log.warn('the listener for other hosts failed', { error }));
    this.#server = server;
    return { ...address, port: (server.address() as AddressInfo).port };
  }

  /** Stops listening and closes connections without a proof; proved ones stay. Idempotent. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const unproved of this.#unproved) this.#forget(unproved, true);
  }

  #makeServer(scheme: 'tcp' | 'tls'): Server {
    const { identity } = this.#security;
    if (scheme === 'tcp' || identity === undefined)
      return createServer({ noDelay: true }, (socket) => this.#connected(socket));
    const secureContext = createSecureContext({ ...identity, ...TLS_LISTENER });
    // A TLSSocket per connection, so that the TLS handshake counts towards PROOF_WITHIN_MS too.
    return createServer({ noDelay: true }, (socket) =>
      this.#connected(new TLSSocket(socket, { isServer: true, secureContext, ...TLS_LISTENER })),
    );
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const peer = `${address}:${socket.remotePort ?? 0}`;
    if (this.#attempts.blockedForMs(address) > 0) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    const unproved = this.#expectProof(socket, address);
    const handshake = new ListenerHandshake(this.#secret, () => transportOf(socket, 'listener'));
    const failed = (reason: string): void => {
      this.#forget(unproved, false);
      this.#log.warn('a connection of another host was closed', { reason, peer });
    };
    const onError = (error: Error): void => failed(describeError(error));
    const onClose = (): void => {
      if (this.#unproved.has(unproved)) failed('it disconnected before it proved the secret');
    };
    const onData = (chunk: Buffer): void => {
      const step = handshake.push(chunk);
      switch (step.kind) {
        case 'more':
          if (step.send !== undefined) socket.write(step.send);
          return;
        case 'failed':
          failed(step.error.message);
          if (this.#attempts.recordFailure(address))
            this.#log.warn('an address failed too often; its connections are refused for a while', {
              address,
            });
          socket.removeListener('data', onData);
          socket.end(step.send);
          socket.destroySoon();
          return;
        case 'proved':
          this.#attempts.reset(address);
          this.#forget(unproved, false);
          socket.pause();
          for (const [event, listener] of [['data', onData], ['error', onError], ['close', onClose]] as const)
            socket.removeListener(event, listener); // prettier-ignore
          void this.#handOver({ socket, peer, ...step });
          return;
      }
    };
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  async #handOver(proved: ProvedConnection): Promise<void> {
    const { socket, peer, protection } = proved;
    socket.on('error', () => undefined);
    const refusal = await this.#onProved(proved);
    if (refusal === undefined) return;
    this.#log.warn('a duplicator of another host was refused', { peer, error: refusal });
    const answer = encodeRefusal(refusal.code, refusal.message);
    socket.end(protection?.sealer.record(answer) ?? answer);
    socket.destroySoon();
  }

  #expectProof(socket: Socket, address: string): UnprovedConnection {
    const close = (reason: string): void => {
      this.#log.warn('a connection of another host was closed', { reason, peer: address });
      this.#forget(unproved, true);
    };
    const cancel = this.#clock.after(
      PROOF_WITHIN_MS,
      () => close(`it did not prove the secret within ${PROOF_WITHIN_MS} ms`),
      true,
    );
    const giveBack = this.#places.take(address, () =>
      close('newer connections without a proof need its place'),
    );
    const stop = (): void => {
      cancel();
      giveBack();
    };
    const unproved = { socket, stop };
    this.#unproved.add(unproved);
    return unproved;
  }

  #forget(unproved: UnprovedConnection, destroy: boolean): void {
    unproved.stop();
    this.#unproved.delete(unproved);
    if (destroy) unproved.socket.destroy();
  }

  #listenError(address: AddressOf<'tcp' | 'tls'>, error: Error): MirrorflowError {
    const text = formatAddress(address);
    return systemCode(error) === 'EADDRINUSE'
      ? new MirrorflowError(
          'ADDRESS_IN_USE',
          `${text} is in use by another program: stop it, or choose another port`,
          { address: text },
          error,
        )
      : new MirrorflowError(
          'SYSTEM_ERROR',
          `${text} cannot be listened on: ${describeError(error)}`,
          { address: text },
          error,
        );
  }
}
