/**
 * Lets permanent connections of other hosts in: few attempts, a proof of the shared secret, a
 * reason in the log when not.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { acceptControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import type { HostContext, HostSession } from '../control/host-context.js';

/** Handshakes under way at a time; for one more, the one that has taken longest is closed. */
const HANDSHAKES_MAX = 64;

export interface GateOptions {
  /** Without one nobody gets in, and whoever asks is told so. */
  readonly secret: Secret | undefined;
  readonly session: (peerAddress: string) => SessionOptions<HostContext>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #failed: FailedAttempts;
  /** Addresses whose last refusal has been told. */
  readonly #told = new Map<string, string>();
  readonly #handshakes = new Set<Socket>();
  #closed = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#failed = new FailedAttempts(options.clock);
  }

  /** Owns the socket. The session, or undefined when it was not let in. */
  async admit(socket: Socket): Promise<HostSession | undefined> {
    const { secret, session } = this.#options;
    const peer = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
    if (this.#closed || this.#failed.refusedForMs(peer) > 0) {
      socket.destroy();
      return undefined;
    }
    const [oldest] = this.#handshakes;
    if (this.#handshakes.size >= HANDSHAKES_MAX) oldest?.destroy();
    this.#handshakes.add(socket);
    try {
      const admitted = await acceptControl(socket, secret, session(peer));
      this.#failed.succeeded(peer);
      this.#told.delete(peer);
      return admitted;
    } catch (error) {
      // A network that was cut is nobody's attempt.
      if (!isMirrorflowError(error, 'TRANSPORT_ERROR')) this.#refused(peer, describeError(error));
      return undefined;
    } finally {
      this.#handshakes.delete(socket);
    }
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#handshakes) socket.destroy();
  }

  #refused(peer: string, reason: string): void {
    const { log } = this.#options;
    if (this.#failed.failed(peer)) {
      log.warn('too many refused connections; the address is not listened to for a while', { peer });
    } else if (this.#told.get(peer) !== reason) {
      log.warn('a connection of another host was refused', { peer, reason });
    }
    if (this.#told.size >= TOLD_MAX) this.#told.clear();
    this.#told.set(peer, reason);
  }
}

/** Addresses whose refusals are remembered; then they are told anew. */
const TOLD_MAX = 1_024;
