/**
 * Signing in with the shared secret: few attempts, tokens nobody can guess, and a cookie that no
 * script and no foreign page gets.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../protocol/base/clock.js';
import { FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';

export type SignInResult =
  | { readonly kind: 'right' }
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
  readonly #sessions = new Map<string, number>();
  readonly #failedAttempts: FailedAttempts;

  /** Without a secret nobody can sign in. */
  constructor(secret: Secret | undefined, clock: Clock) {
    this.#secret = secret;
    this.#clock = clock;
    this.#failedAttempts = new FailedAttempts(clock);
  }

  get hasSecret(): boolean {
    return this.#secret !== undefined;
  }

  attempt(secret: string): SignInResult {
    const waitMs = this.#failedAttempts.refusedForMs(ALL_BROWSERS);
    if (waitMs > 0) return { kind: 'too-many', waitS: Math.ceil(waitMs / 1_000) };
    if (this.#matches(secret)) return { kind: 'right' };
    this.#failedAttempts.failed(ALL_BROWSERS);
    return { kind: 'wrong' };
  }

  /** A new session, as the Set-Cookie header that begins it. */
  begin(): string {
    const now = this.#clock.nowMs();
    const token = randomBytes(32).toString('hex');
    this.#sessions.set(token, now + SESSION_MS);
    this.#forget(now);
    return `${COOKIE}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_MS / 1_000}`;
  }

  /**
   * Whether the Cookie header carries a session, or the Authorization header the secret itself, as
   * Prometheus sends it.
   */
  isSignedIn(cookie: string | undefined, authorization: string | undefined): boolean {
    const token = tokenIn(cookie);
    const until = token === undefined ? undefined : this.#sessions.get(token);
    if (until !== undefined && until > this.#clock.nowMs()) return true;
    if (authorization === undefined || !authorization.startsWith('Bearer ')) return false;
    // The same bounded number of guesses as at the form.
    return this.attempt(authorization.slice('Bearer '.length)).kind === 'right';
  }

  /** Ends the session; the returned cookie makes the browser forget it. */
  signOut(cookie: string | undefined): string {
    const token = tokenIn(cookie);
    if (token !== undefined) this.#sessions.delete(token);
    return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
  }

  #matches(secret: string): boolean {
    if (this.#secret === undefined) return false;
    return timingSafeEqual(digest(secret), digest(this.#secret.key));
  }

  #forget(now: number): void {
    for (const [token, until] of this.#sessions) {
      if (until <= now || this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(token);
    }
  }
}

/** Of one length whatever was typed, so that the comparison tells nothing. */
function digest(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest();
}

function tokenIn(cookie: string | undefined): string | undefined {
  const pairs = (cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([name]) => name === COOKIE)?.[1];
}
