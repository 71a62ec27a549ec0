/**
 * One port for HTTP and permanent connections: the first byte of a connection says which it is.
 * Until it has come a connection waits, for a bounded time and in a bounded crowd: when there are
 * too many, whoever has waited longest goes.
 */
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../../base/clock.js';
import { CONTROL_FIRST_BYTE } from '../security/control-handshake.js';

export interface ConnectionSorterLimits {
  /** From the connection to its first byte. */
  readonly firstByteMs: number;
  /** Connections that have not said a byte. */
  readonly waiting: number;
}

const DEFAULT_LIMITS: ConnectionSorterLimits = { firstByteMs: 5_000, waiting: 256 };

export class ConnectionSorter {
  readonly #clock: Clock;
  readonly #limits: ConnectionSorterLimits;
  /** In the order of their coming. */
  readonly #waiting = new Set<Socket>();
  #closed = false;

  constructor(limits: Partial<ConnectionSorterLimits> = {}, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Gives the socket, with nothing read from it, to one of the two. */
  sort(socket: Socket, session: (socket: Socket) => void, http: (socket: Socket) => void): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    const [oldest] = this.#waiting;
    if (this.#waiting.size >= this.#limits.waiting) oldest?.destroy();
    this.#waiting.add(socket);
    const cancel = this.#clock.after(this.#limits.firstByteMs, () => socket.destroy(), true);
    const leave = (): void => {
      cancel();
      this.#waiting.delete(socket);
      socket.off('close', leave);
      socket.off('error', ignore);
      socket.off('data', sorted);
    };
    const sorted = (chunk: Buffer): void => {
      leave();
      socket.pause();
      socket.unshift(chunk);
      (chunk[0] === CONTROL_FIRST_BYTE ? session : http)(socket);
      socket.resume();
    };
    socket.on('error', ignore);
    socket.once('close', leave);
    socket.once('data', sorted);
  }

  /** Closes who waits, and takes no more. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#waiting) socket.destroy();
  }
}

function ignore(): void {}
