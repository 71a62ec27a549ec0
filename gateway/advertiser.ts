/**
 * Registers a service name at the NSCLDAQ port manager of this host, which assigns it a port.
 *
 * `gateway.ts` creates one per advertised service. It sends `GIMME service user` over TCP and keeps
 * the connection open, because the port manager frees the name when it closes. After a lost
 * connection it registers again, with growing delays.
 */
import { connect, type Socket } from 'node:net';
import { Backoff } from '../protocol/base/backoff.js';
import type { Clock } from '../protocol/base/clock.js';
import { describeError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';

const ANSWER_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 1_024;
const PORT_MANAGER_BACKOFF = { firstMs: 250, maxMs: 10_000 };

export interface AdvertiserOptions {
  readonly service: string;
  readonly user: string;
  /** Port of the port manager on this host, which serves local programs only. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called with the assigned port, on which the service has to listen. */
  readonly onPort: (port: number) => void;
}

export class Advertiser {
  readonly #options: AdvertiserOptions;
  #socket: Socket | undefined;
  #cancel: (() => void) | undefined;
  readonly #backoff = new Backoff(PORT_MANAGER_BACKOFF);
  #closed = false;

  constructor(options: AdvertiserOptions) {
    this.#options = options;
    this.#register();
  }

  /** Frees the name. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#socket?.destroy();
  }

  #register(): void {
    const { service, user, port, clock, log, onPort } = this.#options;
    const socket = connect({ host: '127.0.0.1', port });
    this.#socket = socket;
    let answer = '';
    let problem: string | undefined;
    let registered = false;
    this.#cancel = clock.after(
      ANSWER_TIMEOUT_MS,
      () => socket.destroy(new Error('the port manager did not answer')),
      true,
    );
    socket.on('connect', () => socket.write(`GIMME ${service} ${user}\n`));
    socket.on('data', (chunk) => {
      if (registered) return;
      answer += chunk.toString('latin1');
      if (!answer.includes('\n') && answer.length <= ANSWER_BYTES_MAX) return;
      this.#cancel?.();
      const line = answer.split(/\r?\n/, 1)[0] ?? '';
      const assigned = Number(/^OK +(\d{1,5})\s*$/.exec(line)?.[1]);
      if (assigned >= 1 && assigned <= 65_535) {
        registered = true;
        this.#backoff.reset();
        log.info('advertised', { service, user, port: assigned });
        onPort(assigned);
      } else socket.destroy(new Error(`the port manager answered ${JSON.stringify(line.slice(0, 80))}`));
    });
    socket.on('error', (error) => {
      problem = describeError(error);
    });
    socket.on('close', () => {
      this.#cancel?.();
      if (this.#closed) return;
      const why = problem ?? 'the port manager closed the connection';
      const delayMs = Math.round(this.#backoff.next());
      log.warn('not advertised', { service, user, portManager: port, why, againInMs: delayMs });
      this.#cancel = clock.after(delayMs, () => this.#register(), true);
    });
  }
}
