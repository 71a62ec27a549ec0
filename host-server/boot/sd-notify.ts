/**
 * Notifies systemd that the host server is ready, stopping or alive, with a status line. Source of
 * the protocol: sd_notify(3). Used by `host-server.ts` and `self-check.ts`; sends datagrams to the
 * socket named by NOTIFY_SOCKET. Without that variable every method does nothing; a failure is
 * logged once and never thrown.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { UnixDatagramSocket, type SendOutcome } from '../../protocol/flow/signal-link/unix-datagram.js';

const STATUS_CHARACTERS_MAX = 500;
/** Attempts while systemd's socket is full: a lost READY would count as a failed start. */
const ATTEMPTS = 20;
const RETRY_MS = 50;

export class SystemdNotifier {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #clock: Clock;
  readonly #socketPath: string | undefined;
  /** Longest time between two pings before systemd restarts this process; undefined: no limit. */
  readonly watchdogTimeoutMs: number | undefined;
  #stopPings: (() => void) | undefined;
  #warned = false;

  constructor(
    env: Readonly<Record<string, string | undefined>>,
    log: Pick<Logger, 'warn'>,
    clock: Clock = systemClock,
  ) {
    this.#log = log;
    this.#clock = clock;
    this.#socketPath = this.#usableSocket(env['NOTIFY_SOCKET']);
    this.watchdogTimeoutMs = this.#socketPath === undefined ? undefined : watchdogTimeout(env);
  }

  /** Whether notices are sent at all. */
  get active(): boolean {
    return this.#socketPath !== undefined;
  }

  /** The service is up: systemd starts the units that depend on it. */
  ready(status: string): void {
    this.#notify(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** One line that `systemctl status` shows. */
  status(text: string): void {
    this.#notify(`STATUS=${oneLine(text)}`);
  }

  /** The service is ending on purpose; stops the pings. */
  stopping(): void {
    this.stopWatchdog();
    this.#notify('STOPPING=1');
  }

  /**
   * Pings at half of the watchdog time-out, from the event loop: a blocked loop stops the pings.
   * Idempotent.
   */
  startWatchdog(): void {
    const timeoutMs = this.watchdogTimeoutMs;
    if (timeoutMs === undefined || this.#stopPings !== undefined) return;
    let cancel = (): void => {};
    const ping = (): void => {
      this.#notify('WATCHDOG=1', 1);
      cancel = this.#clock.after(timeoutMs / 2, ping, true);
    };
    this.#stopPings = () => cancel();
    ping();
  }

  stopWatchdog(): void {
    this.#stopPings?.();
    this.#stopPings = undefined;
  }

  #notify(text: string, attempts = ATTEMPTS): void {
    if (this.#socketPath === undefined) return;
    const [outcome, reason] = sendOnce(Buffer.from(text), this.#socketPath);
    if (outcome === 'sent') return;
    if (outcome === 'full' && attempts > 1) {
      this.#clock.after(RETRY_MS, () => this.#notify(text, attempts - 1));
      return;
    }
    this.#warnOnce('systemd cannot be notified', { socket: this.#socketPath, reason });
  }

  #usableSocket(path: string | undefined): string | undefined {
    if (path === undefined || path === '') return undefined;
    if (path.startsWith('/')) return path;
    // The addon passes the name as a C string, which is empty for an abstract name, and has no
    // vsock.
    const message = 'NOTIFY_SOCKET is not a path; abstract and vsock addresses are not supported';
    this.#warnOnce(message, { socket: path });
    return undefined;
  }

  #warnOnce(message: string, fields: Record<string, unknown>): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#log.warn(message, fields);
  }
}

/** Opens a socket per notice: notices are rare, and an open socket keeps the process alive. */
function sendOnce(bytes: Buffer, path: string): [outcome: SendOutcome, reason: string] {
  let socket: UnixDatagramSocket | undefined;
  try {
    socket = new UnixDatagramSocket();
    const outcome = socket.send(bytes, bytes.length, path);
    return [outcome, socket.failure];
  } catch (error) {
    return ['failed', describeError(error)];
  } finally {
    socket?.close();
  }
}

/** WATCHDOG_PID names the process to watch; a child that inherited the variables is another. */
function watchdogTimeout(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const pid = env['WATCHDOG_PID'];
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const microseconds = /^\d{1,15}$/.test(env['WATCHDOG_USEC'] ?? '') ? Number(env['WATCHDOG_USEC']) : 0;
  return microseconds > 0 ? microseconds / 1000 : undefined;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, STATUS_CHARACTERS_MAX);
}
