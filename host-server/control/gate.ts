/**
 * Admits the permanent connections of other hosts to the control port: limits the failed attempts
 * per address, demands a proof of the shared secret, logs the reason of a refusal once. Used by
 * `control-port.ts`; owns every socket from its arrival until it is a session. How many wait at the
 * same time is the HTTP server's limit, which covers the whole port.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { FAILED_ATTEMPTS_LIMITS, FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import { plainAddress } from '../../protocol/rpc/security/peer-addresses.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { acceptControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import type { CallOrigin, HostSession } from './call-origin.js';

/** Addresses whose last refusal is remembered; beyond, all are forgotten and logged again. */
const REFUSALS_MAX = 1_024;

export interface GateOptions {
  /** Undefined: every connection is refused, with that reason. */
  readonly secret: Secret | undefined;
  readonly session: (peerAddress: string) => SessionOptions<CallOrigin>;
  /** Whether an address is one of a configured host, which is never refused for failures. */
  readonly isPeer: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #failed: FailedAttempts;
  /** The last logged reason of a refusal, by address. */
  readonly #refusals = new Map<string, string>();
  readonly #handshakes = new Set<Socket>();
  #closed = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#failed = new FailedAttempts(options.clock, FAILED_ATTEMPTS_LIMITS, options.isPeer);
  }

  /** Owns the socket. Resolves with the session, or undefined when the connection was refused. */
  async admit(socket: Socket): Promise<HostSession | undefined> {
    const { secret, session } = this.#options;
    const peer = plainAddress(socket.remoteAddress ?? 'unknown');
    if (this.#closed || this.#failed.blockedForMs(peer) > 0) {
      socket.destroy();
      return undefined;
    }
    this.#handshakes.add(socket);
    try {
      const admitted = await acceptControl(socket, secret, session(peer));
      this.#failed.reset(peer);
      this.#refusals.delete(peer);
      return admitted;
    } catch (error) {
      // A connection that the network cut does not count as a failed attempt.
      if (!isMirrorflowError(error, 'TRANSPORT_ERROR')) this.#refuse(peer, describeError(error));
      return undefined;
    } finally {
      this.#handshakes.delete(socket);
    }
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#handshakes) socket.destroy();
  }

  #refuse(peer: string, reason: string): void {
    const { log } = this.#options;
    if (this.#failed.recordFailure(peer)) {
      log.warn('too many refused connections; the address is refused for a while', { peer });
    } else if (this.#refusals.get(peer) !== reason) {
      log.warn('a connection of another host was refused', { peer, reason });
    }
    if (this.#refusals.size >= REFUSALS_MAX) this.#refusals.clear();
    this.#refusals.set(peer, reason);
  }
}
