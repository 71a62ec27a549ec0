/**
 * Lets HTTP and permanent connections share one port: the first byte of a connection distinguishes
 * them. Until this byte arrives a connection waits, for a bounded time; if too many wait, the one
 * that has waited longest is closed. The HTTP server puts a sorter in front of its connections.
 * Reads the first chunk of a socket and puts it back.
 */
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../../base/clock.js';
import { CONTROL_FIRST_BYTE } from '../security/control-handshake.js';

export interface ConnectionSorterLimits {
  /** From the connection to its first byte. */
  readonly firstByteMs: number;
  /** Connections of which no byte has arrived. */
  readonly waiting: number;
}

const DEFAULT_LIMITS: ConnectionSorterLimits = { firstByteMs: 5_000, waiting: 256 };

export class ConnectionSorter {
  readonly #clock: Clock;
  readonly #limits: ConnectionSorterLimits;
  /** In the order of their arrival. */
  readonly #waiting = new Set<Socket>();
  #closed = false;

  constructor(limits: Partial<ConnectionSorterLimits> = {}, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Passes the socket, with all its bytes unread, to one of the two handlers. */
  sort(socket: Socket, session: (socket: Socket) => void, http: (socket: Socket) => void): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    const [oldest] = this.#waiting;
    if (this.#waiting.size >= this.#limits.waiting) oldest?.destroy();
    this.#waiting.add(socket);
    const cancel = this.#clock.after(this.#limits.firstByteMs, () => socket.destroy(), true);
    const stopWaiting = (): void => {
      cancel();
      this.#waiting.delete(socket);
      socket.off('close', stopWaiting);
      socket.off('error', ignore);
      socket.off('data', passOn);
    };
    const passOn = (chunk: Buffer): void => {
      stopWaiting();
      socket.pause();
      socket.unshift(chunk);
      (chunk[0] === CONTROL_FIRST_BYTE ? session : http)(socket);
      socket.resume();
    };
    socket.on('error', ignore);
    socket.once('close', stopWaiting);
    socket.once('data', passOn);
  }

  /** Closes the waiting connections and every later one. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#waiting) socket.destroy();
  }
}

function ignore(): void {}
