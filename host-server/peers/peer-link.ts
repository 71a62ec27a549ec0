/**
 * The wish to be connected with the host at one address: connects, introduces, and after a loss
 * tries again with a growing, jittered delay. While the two hosts use another connection between
 * them, this one waits for the end of that.
 */
import { formatAddress } from '../../protocol/base/address.js';
import { Backoff } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { HostSession } from '../control/host-context.js';
import type { PeerAddress } from './peer-address.js';

/** Backoff between hosts: a cut cable is tried again soon, a machine that is off costs nothing. */
const PEER_BACKOFF = { firstMs: 100, maxMs: 2_000 };

/** What became of a connection that was introduced. */
export type Introduced =
  /** It is used; `over` resolves at its end. */
  | { readonly kind: 'used'; readonly over: Promise<void> }
  /** Another connection with the same host is used; `over` resolves at the end of that. */
  | { readonly kind: 'spare'; readonly over: Promise<void> }
  /** At that address is this host itself. */
  | { readonly kind: 'self' };

export interface PeerLinkOptions {
  readonly address: PeerAddress;
  readonly connect: (address: PeerAddress, signal: AbortSignal) => Promise<HostSession>;
  readonly introduce: (session: HostSession, address: PeerAddress) => Promise<Introduced>;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 to 1, for the jitter. */
  readonly random?: () => number;
}

export class PeerLink {
  readonly address: PeerAddress;
  readonly #options: PeerLinkOptions;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #cause: string | undefined;
  readonly #backoff: Backoff;
  #wake: () => void = () => undefined;

  constructor(options: PeerLinkOptions) {
    this.address = options.address;
    this.#options = options;
    this.#backoff = new Backoff(PEER_BACKOFF, options.random);
    this.#done = this.#run();
  }

  /** Why it is not connected; undefined while it is, or has not tried. */
  get cause(): string | undefined {
    return this.#cause;
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
        this.#backoff.reset();
        if (introduced.kind === 'self') return;
        await Promise.race([introduced.over, aborted(signal)]);
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

  /** One line for a reason, however often it comes again. */
  #failed(error: unknown): void {
    const cause = describeError(error);
    if (cause === this.#cause) return;
    this.#cause = cause;
    const fields = { address: formatAddress(this.address), cause };
    const { log } = this.#options;
    if (isMirrorflowError(error, 'TRANSPORT_ERROR')) log.info('another host is not reached', fields);
    else log.warn('another host cannot be connected with', fields);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(this.#backoff.next(), resolve, true);
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
