/**
 * Signing in to the web viewer with the shared secret: sessions with random tokens in a cookie that
 * no script and no foreign page can read, and a bounded number of wrong attempts per address. The
 * right secret is always accepted, so that no guesses of others lock its owner out. `RequestAccess`
 * asks it for each request, `SignInRequests` starts and ends sessions. Keeps all state in memory;
 * the clock is passed in.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../protocol/base/clock.js';
import { FailedAttempts } from '../../protocol/rpc/security/failed-attempts.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';

export type SignInResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'wrong' }
  | { readonly kind: 'too-many'; readonly waitS: number };

/** Where the viewer serves: browsers send a cookie to every port of a host. */
export interface CookieScope {
  readonly port: number;
  /** Whether the viewer serves over TLS. */
  readonly secure: boolean;
}

/** How long a browser stays signed in, and how many of them at most. */
const SESSION_MS = 12 * 3_600_000;
const SESSIONS_MAX = 1_024;

export class SignIn {
  readonly #secret: Secret | undefined;
  readonly #clock: Clock;
  readonly #scope: () => CookieScope;
  /** Ends of sessions by token, in milliseconds of the clock. */
  readonly #sessions = new Map<string, number>();
  readonly #failedAttempts: FailedAttempts;

  /** Without a secret every attempt is wrong. `scope` is asked when a cookie is read or set. */
  constructor(secret: Secret | undefined, clock: Clock, scope: () => CookieScope) {
    this.#secret = secret;
    this.#clock = clock;
    this.#scope = scope;
    this.#failedAttempts = new FailedAttempts(clock);
  }

  get hasSecret(): boolean {
    return this.#secret !== undefined;
  }

  /** `from` is the address of the browser. */
  attempt(secret: string, from: string | undefined): SignInResult {
    const address = from ?? '';
    if (this.#matches(secret)) {
      this.#failedAttempts.reset(address);
      return { kind: 'accepted' };
    }
    const waitMs = this.#failedAttempts.blockedForMs(address);
    if (waitMs > 0) return { kind: 'too-many', waitS: Math.ceil(waitMs / 1_000) };
    this.#failedAttempts.recordFailure(address);
    return { kind: 'wrong' };
  }

  /** Starts a session and returns the Set-Cookie header that gives it to the browser. */
  startSession(): string {
    const now = this.#clock.nowMs();
    const token = randomBytes(32).toString('hex');
    this.#sessions.set(token, now + SESSION_MS);
    this.#dropEndedSessions(now);
    return this.#cookie(token, SESSION_MS / 1_000);
  }

  /**
   * Whether the Cookie header has a session token, or the Authorization header the secret itself,
   * as Prometheus sends it.
   */
  isSignedIn(
    cookie: string | undefined,
    authorization: string | undefined,
    from: string | undefined,
  ): boolean {
    const token = this.#tokenIn(cookie);
    const endMs = token === undefined ? undefined : this.#sessions.get(token);
    if (endMs !== undefined && endMs > this.#clock.nowMs()) return true;
    if (authorization === undefined || !authorization.startsWith('Bearer ')) return false;
    // Guesses here count as attempts too.
    return this.attempt(authorization.slice('Bearer '.length), from).kind === 'accepted';
  }

  /** Ends the session; returns the Set-Cookie header that deletes the cookie. */
  signOut(cookie: string | undefined): string {
    const token = this.#tokenIn(cookie);
    if (token !== undefined) this.#sessions.delete(token);
    return this.#cookie('', 0);
  }

  /**
   * Browsers keep the cookies of all ports of a host together, so the name has the port. A name
   * with `__Host-` is set over TLS only, by this host only.
   */
  get #cookieName(): string {
    const { port, secure } = this.#scope();
    return `${secure ? '__Host-' : ''}mirrorflow-${port}`;
  }

  #cookie(value: string, maxAgeS: number): string {
    const secure = this.#scope().secure ? '; Secure' : '';
    return `${this.#cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure}`;
  }

  #tokenIn(cookie: string | undefined): string | undefined {
    const wanted = this.#cookieName;
    const pairs = (cookie ?? '').split(';').map((pair) => pair.trim().split('='));
    return pairs.find(([name]) => name === wanted)?.[1];
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
