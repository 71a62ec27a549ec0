/**
 * A service's name at the NSCLDAQ port manager of this host: asks for a port (`GIMME service
 * user`), keeps the connection, which is what holds the name, and asks again when the port manager
 * was restarted.
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
  /** Port of the port manager on this host, which gives ports to local programs only. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** The port manager has given this port: the service is to be found there from now on. */
  readonly given: (port: number) => void;
}

export class Advertiser {
  readonly #options: AdvertiserOptions;
  #socket: Socket | undefined;
  #cancel: (() => void) | undefined;
  readonly #backoff = new Backoff(PORT_MANAGER_BACKOFF);
  #closed = false;

  constructor(options: AdvertiserOptions) {
    this.#options = options;
    this.#ask();
  }

  /** Gives the name up. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#socket?.destroy();
  }

  #ask(): void {
    const { service, user, port, clock, log, given } = this.#options;
    const socket = connect({ host: '127.0.0.1', port });
    this.#socket = socket;
    let answer = '';
    let problem: string | undefined;
    let held = false;
    this.#cancel = clock.after(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('it did not answer')), true);
    socket.on('connect', () => socket.write(`GIMME ${service} ${user}\n`));
    socket.on('data', (chunk) => {
      if (held) return;
      answer += chunk.toString('latin1');
      if (!answer.includes('\n') && answer.length <= ANSWER_BYTES_MAX) return;
      this.#cancel?.();
      const line = answer.split(/\r?\n/, 1)[0] ?? '';
      const found = Number(/^OK +(\d{1,5})\s*$/.exec(line)?.[1]);
      if (found >= 1 && found <= 65_535) {
        held = true;
        this.#backoff.reset();
        log.info('advertised', { service, user, port: found });
        given(found);
      } else socket.destroy(new Error(`it answered ${JSON.stringify(line.slice(0, 80))}`));
    });
    socket.on('error', (error) => {
      problem = describeError(error);
    });
    socket.on('close', () => {
      this.#cancel?.();
      if (this.#closed) return;
      const why = problem ?? 'it closed the connection';
      const delayMs = Math.round(this.#backoff.next());
      log.warn('not advertised', { service, user, portManager: port, why, againInMs: delayMs });
      this.#cancel = clock.after(delayMs, () => this.#ask(), true);
    });
  }
}
