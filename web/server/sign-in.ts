/**
 * Signing in to the web viewer with the shared secret: a bounded number of attempts, sessions with
 * random tokens, and a cookie that no script and no foreign page can read. `WebServer` calls it for
 * each request. Keeps all state in memory; the clock is passed in.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../protocol/base/clock.js';
import { FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';

export type SignInResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too-many'; readonly waitS: number };

const COOKIE = 'mirrorflow';
const SESSION_MS = 12 * 3_600_000;
const SESSIONS_MAX = 1_024;
/** The wrong attempts of all browsers are counted together, under this name. */
const ALL_BROWSERS = 'browsers';

export class SignIn {
  readonly #secret: Secret | undefined;
  readonly #clock: Clock;
  /** Ends of sessions by token, in milliseconds of the clock. */
  readonly #sessions = new Map<string, number>();
  readonly #failedAttempts: FailedAttempts;

  /** Without a secret every attempt is wrong. */
  constructor(secret: Secret | undefined, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
    this.#failedAttempts = new FailedAttempts(clock);
  }

  get hasSecret(): boolean {
    return this.#secret !== undefined;
  }

  attempt(secret: string): SignInResult {
    const waitMs = this.#failedAttempts.blockedForMs(ALL_BROWSERS);
    if (waitMs > 0) return { kind: 'too-many', waitS: Math.ceil(waitMs / 1_000) };
    if (this.#matches(secret)) return { kind: 'accepted' };
    this.#failedAttempts.recordFailure(ALL_BROWSERS);
    return { kind: 'wrong' };
  }

  /** Starts a session and returns the Set-Cookie header that gives it to the browser. */
  startSession(): string {
    const now = this.#clock.nowMs();
    const token = randomBytes(32).toString('hex');
    this.#sessions.set(token, now + SESSION_MS);
    this.#dropEndedSessions(now);
    return `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1_000}`;
  }

  /**
   * Whether the Cookie header has a session token, or the Authorization header the secret itself,
   * as Prometheus sends it.
   */
  isSignedIn(cookie: string | undefined, authorization: string | undefined): boolean {
    const token = tokenIn(cookie);
    const endMs = token === undefined ? undefined : this.#sessions.get(token);
    if (endMs !== undefined && endMs > this.#clock.nowMs()) return true;
    if (authorization === undefined || !authorization.startsWith('Bearer ')) return false;
    // Guesses here count as attempts too.
    return this.attempt(authorization.slice('Bearer '.length)).kind === 'accepted';
  }

  /** Ends the session; returns the Set-Cookie header that deletes the cookie. */
  signOut(cookie: string | undefined): string {
    const token = tokenIn(cookie);
    if (token !== undefined) this.#sessions.delete(token);
    return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
  }

  #matches(secret: string): boolean {
    const given = digest(secret);
    return this.#secret?.accepted.some((key) => timingSafeEqual(given, digest(key))) ?? false;
  }

  #dropEndedSessions(now: number): void {
    for (const [token, endMs] of this.#sessions) {
      if (endMs <= now || this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(token);
    }
  }
}

/** Equal lengths for all inputs, so that the time of the comparison reveals nothing. */
function digest(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest();
}

function tokenIn(cookie: string | undefined): string | undefined {
  const pairs = (cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}
