/**
 * Authenticates calls over HTTP for the HTTP server. Two kinds of token are accepted: those of the
 * server's token files, from this machine, each with its right, and a token issued for a proof of
 * the shared secret, from anywhere, which permits control. A caller sends it as Basic password with
 * any user name, or as Bearer token. All other callers learn only that a token is required. Counts
 * failed attempts per address.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { FAILED_ATTEMPTS_LIMITS, FailedAttempts } from '../security/failed-attempts.js';
import { isLoopback } from '../security/listening.js';
import { plainAddress } from '../security/peer-addresses.js';
import { ProvenTokens } from '../security/proven-tokens.js';
import type { Secret } from '../security/secret.js';
import { MirrorflowError } from '../../base/errors.js';
import type { UserRight } from '../../base/rights.js';
import { LIMITS } from '../../base/limits.js';
import { checkParams } from './contract.js';
import { authenticationContract } from './system-methods.js';
import type { RpcValue } from './values.js';

/** Who makes a call over HTTP. */
export interface HttpCaller {
  /**
   * `token file`: a program of this machine that may read a token file, or may connect to a server
   * without authentication. `secret`: one anywhere that has proved the shared secret. `none`: one
   * that has proved nothing, for the few calls that need no proof.
   */
  readonly proof: 'token file' | 'secret' | 'none';
  readonly right: UserRight;
}

/**
 * `unproven`: without a valid token. `locked`: from an address with too many failed attempts, which
 * is refused for `forMs` milliseconds.
 */
export type Admission =
  | { readonly kind: 'admitted'; readonly caller: HttpCaller }
  | { readonly kind: 'unproven' }
  | { readonly kind: 'locked'; readonly forMs: number };

export interface HttpAuthenticationOptions {
  /** The right of a token of this server's files; undefined for any other text. */
  readonly rightOfToken: (token: string) => UserRight | undefined;
  readonly secret: Secret | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether an address is one of a configured host, which is never locked. */
  readonly isPeer?: (address: string) => boolean;
}

/** Longer Authorization headers are ignored. */
const CREDENTIAL_CHARACTERS_MAX = 1_024;

export class HttpAuthentication {
  readonly #options: HttpAuthenticationOptions;
  readonly #proven: ProvenTokens;
  readonly #failedAttempts: FailedAttempts;

  constructor(options: HttpAuthenticationOptions) {
    this.#options = options;
    this.#proven = new ProvenTokens(options.secret, options.clock);
    this.#failedAttempts = new FailedAttempts(options.clock, FAILED_ATTEMPTS_LIMITS, options.isPeer);
  }

  /**
   * A valid token is accepted also from a locked address: tokens have 256 random bits and cannot be
   * guessed, and otherwise one user of this machine could lock out all others. The lock prevents
   * guessing of the secret.
   */
  admit(request: IncomingMessage): Admission {
    const address = addressOf(request);
    const token = tokenOf(request.headers.authorization);
    const caller = token === undefined ? undefined : this.#callerWith(token, address);
    if (caller !== undefined) return { kind: 'admitted', caller };
    const forMs = this.#failedAttempts.blockedForMs(address);
    if (forMs > 0) return { kind: 'locked', forMs };
    if (request.headers.authorization !== undefined) this.#recordFailure(address, 'a wrong token');
    return { kind: 'unproven' };
  }

  /** Whether this method needs no authentication and is answered by `prove`. */
  isOpen(method: string): boolean {
    return Object.hasOwn(authenticationContract, method);
  }

  /**
   * Answers `system.challenge` and `system.authenticate`. Throws REFUSED for a wrong proof or
   * without a secret, INVALID_PARAMETERS, BAD_MESSAGE for a nonce of a wrong size.
   */
  prove(method: string, params: readonly RpcValue[], request: IncomingMessage): RpcValue {
    if (method === 'system.challenge') {
      const [nonce] = checkParams(method, authenticationContract['system.challenge'], params) as [Uint8Array];
      const answer = this.#proven.challenge(nonce);
      return { nonce: answer.nonce, proof: answer.proof };
    }
    const definition = authenticationContract['system.authenticate'];
    const [nonce, proof] = checkParams(method, definition, params) as [Uint8Array, Uint8Array];
    const address = addressOf(request);
    const token = this.#proven.authenticate(nonce, proof);
    if (token === undefined) {
      this.#recordFailure(address, 'a wrong proof of the shared secret');
      throw new MirrorflowError(
        'REFUSED',
        'the proof of the shared secret is wrong or came too late; begin again with system.challenge',
      );
    }
    this.#failedAttempts.reset(address);
    return { token, idleMs: LIMITS.rpcHttpSessionIdleMs };
  }

  #callerWith(token: string, address: string): HttpCaller | undefined {
    const right = isLoopback(address) ? this.#options.rightOfToken(token) : undefined;
    if (right !== undefined) return { proof: 'token file', right };
    return this.#proven.renew(token) ? { proof: 'secret', right: 'control' } : undefined;
  }

  #recordFailure(address: string, what: string): void {
    const before = this.#failedAttempts.blockedForMs(address);
    const isNowLocked = this.#failedAttempts.recordFailure(address);
    const { log } = this.#options;
    if (isNowLocked)
      log.warn('too many failed attempts; the address is refused for a minute', { peer: address });
    else if (before === 0) log.info('a call was refused', { peer: address, why: what });
  }
}

/** The address of the caller. */
function addressOf({ socket }: IncomingMessage): string {
  return plainAddress(socket.remoteAddress ?? '');
}

function tokenOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length > CREDENTIAL_CHARACTERS_MAX) return undefined;
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const userAndPassword = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = userAndPassword.indexOf(':');
  return colon < 0 ? undefined : userAndPassword.slice(colon + 1);
}
