/**
 * Tells systemd how the host server is: ready, status, stopping, and alive. Source of the protocol:
 * sd_notify(3). Outside of systemd (NOTIFY_SOCKET unset) everything here does nothing; a failure is
 * logged once and never thrown.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { UnixDatagramSocket, type SendOutcome } from '../../protocol/flow/signal-link/unix-datagram.js';

const STATUS_CHARACTERS_MAX = 500;
/**
 * A full socket of systemd is tried again this often; a lost READY would count as a failed start.
 */
const ATTEMPTS = 20;
const RETRY_MS = 50;

export class SystemdNotifier {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #clock: Clock;
  readonly #socketPath: string | undefined;
  /**
   * How often systemd wants to hear of this process, in milliseconds; undefined when it does not
   * watch.
   */
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

  /** Whether systemd listens. */
  get active(): boolean {
    return this.#socketPath !== undefined;
  }

  /** The service is up; from now on dependants start. */
  ready(status: string): void {
    this.#notify(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** One line that `systemctl status` shows. */
  status(text: string): void {
    this.#notify(`STATUS=${oneLine(text)}`);
  }

  /** The service is going down on purpose; pings end. */
  stopping(): void {
    this.stopWatchdog();
    this.#notify('STOPPING=1');
  }

  /**
   * Pings at half of the interval systemd asked for, from the event loop, so that a blocked one is
   * seen. Idempotent.
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
    // The addon copies the name as a C string, which for an abstract name is empty, and cannot do
    // vsock at all.
    const message = 'NOTIFY_SOCKET is not a path; abstract and vsock addresses cannot be sent to from here';
    this.#warnOnce(message, { socket: path });
    return undefined;
  }

  #warnOnce(message: string, fields: Record<string, unknown>): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#log.warn(message, fields);
  }
}

/** A socket per notice: they are rare, and an open one would keep the process alive. */
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

/** WATCHDOG_PID names whom WATCHDOG_USEC is for: a child that inherited both is not watched. */
function watchdogTimeout(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const pid = env['WATCHDOG_PID'];
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const microseconds = /^\d{1,15}$/.test(env['WATCHDOG_USEC'] ?? '') ? Number(env['WATCHDOG_USEC']) : 0;
  return microseconds > 0 ? microseconds / 1000 : undefined;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, STATUS_CHARACTERS_MAX);
}
