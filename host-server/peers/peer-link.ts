/**
 * Keeps a connection with the host server at one address: connects, introduces this host, and after
 * a loss retries with a growing, jittered delay. While the two hosts use another connection between
 * them, waits for the end of that one. Owned by `peers.ts`, which supplies connect and introduce;
 * opens connections through them only.
 */
import { formatAddress } from '../../protocol/base/address.js';
import { Backoff, type BackoffLimits } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, isMirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { HostSession } from '../control/call-origin.js';
import type { PeerAddress } from './peer-address.js';

/** A cut cable is noticed soon; a machine that is switched off costs little. */
export const PEER_BACKOFF = { firstMs: 100, maxMs: 2_000 } as const;
/** Backoff of an announced address, which may be invented, until a host there proves the secret. */
export const DISCOVERED_BACKOFF = { firstMs: 500, maxMs: 5 * 60_000 } as const;

/** The outcome of the introduction over a new connection. */
export type Introduced =
  /** The connection is used; `ended` resolves at its end. */
  | { readonly kind: 'used'; readonly ended: Promise<void> }
  /** Another connection with the same host is used; `ended` resolves at the end of that one. */
  | { readonly kind: 'spare'; readonly ended: Promise<void> }
  /** The address leads to this host itself. */
  | { readonly kind: 'self' };

export interface PeerLinkOptions {
  readonly address: PeerAddress;
  readonly connect: (address: PeerAddress, signal: AbortSignal) => Promise<HostSession>;
  readonly introduce: (session: HostSession, address: PeerAddress) => Promise<Introduced>;
  /** Until the first introduction; afterwards PEER_BACKOFF. */
  readonly backoff: BackoffLimits;
  readonly clock: Clock;
  readonly log: Logger;
}

export class PeerLink {
  readonly address: PeerAddress;
  readonly #options: PeerLinkOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #cause: string | undefined;
  #code: ErrorCode = 'TRANSPORT_ERROR';
  #backoff: Backoff;
  #wake: () => void = () => undefined;

  /** Connects from now on. */
  constructor(options: PeerLinkOptions) {
    this.address = options.address;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
    this.#done = this.#run();
  }

  /** Why it is not connected; undefined while it is, or has not tried. */
  get cause(): string | undefined {
    return this.#cause;
  }

  /** Of the cause. */
  get code(): ErrorCode {
    return this.#code;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const introduced = await this.#attempt();
        this.#cause = undefined;
        this.#backoff = new Backoff(PEER_BACKOFF);
        if (introduced.kind === 'self') return;
        await Promise.race([introduced.ended, aborted(signal)]);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
      await this.#pause();
    }
  }

  async #attempt(): Promise<Introduced> {
    const { connect, introduce, address } = this.#options;
    const session = await connect(address, this.#closing.signal);
    try {
      const introduced = await introduce(session, address);
      if (introduced.kind !== 'used') void session.close();
      return introduced;
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  /** Logs a cause once, however often it repeats. */
  #failed(error: unknown): void {
    const cause = describeError(error);
    if (cause === this.#cause) return;
    this.#cause = cause;
    this.#code = isMirrorflowError(error) ? error.code : 'TRANSPORT_ERROR';
    const fields = { address: formatAddress(this.address), cause };
    const { log } = this.#options;
    if (isMirrorflowError(error, 'TRANSPORT_ERROR')) log.info('another host is unreachable', fields);
    else log.warn('the connection with another host failed', fields);
  }

  #pause(): Promise<void> {
    const delayMs = this.#backoff.next();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(delayMs, resolve, true);
      this.#wake = () => {
        cancel();
        resolve();
      };
      if (this.#closing.signal.aborted) this.#wake();
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
