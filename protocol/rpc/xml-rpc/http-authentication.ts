/**
 * Who may call over HTTP: whoever sends the token of the runtime directory, from this machine, or a
 * token got by proving the shared secret, from anywhere; as Basic password with any user name, or
 * as Bearer. Nobody else learns more than that.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { FailedAttempts } from '../security/failed-attempts.js';
import { isLoopback } from '../security/listening.js';
import { ProvenTokens } from '../security/proven-tokens.js';
import type { Secret } from '../security/secret.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { checkParams } from './contract.js';
import { authenticationContract } from './system-methods.js';
import type { RpcValue } from './values.js';

/**
 * How a request is met: taken; without a right credential; or from an address that has failed too
 * often.
 */
export type Admission =
  | { readonly kind: 'taken' }
  | { readonly kind: 'unproven' }
  | { readonly kind: 'locked'; readonly forMs: number };

export interface HttpAuthenticationOptions {
  /** The token of the runtime directory, asked anew so that an exchanged one counts at once. */
  readonly token: () => string | undefined;
  readonly secret: Secret | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longest Authorization header that is looked at. */
const CREDENTIAL_CHARACTERS_MAX = 1_024;

export class HttpAuthentication {
  readonly #options: HttpAuthenticationOptions;
  readonly #proven: ProvenTokens;
  readonly #failed: FailedAttempts;

  constructor(options: HttpAuthenticationOptions) {
    this.#options = options;
    this.#proven = new ProvenTokens(options.secret, options.clock);
    this.#failed = new FailedAttempts(options.clock);
  }

  /**
   * Tokens have 256 random bits, so that a right one is taken also from an address that is locked:
   * otherwise one user of this machine could lock all others out. What the lock keeps away is
   * guessing at the secret.
   */
  admit(request: IncomingMessage): Admission {
    const address = addressOf(request);
    const credential = credentialOf(request.headers.authorization);
    if (credential !== undefined && this.#isRight(credential, address)) return { kind: 'taken' };
    const forMs = this.#failed.refusedForMs(address);
    if (forMs > 0) return { kind: 'locked', forMs };
    if (request.headers.authorization !== undefined) this.#count(address, 'a wrong token');
    return { kind: 'unproven' };
  }

  /** Whether this method may be called by anybody, and is answered by `prove`. */
  isOpen(method: string): boolean {
    return Object.hasOwn(authenticationContract, method);
  }

  /**
   * Answers `system.challenge` and `system.authenticate`. Throws REFUSED for a wrong proof,
   * INVALID_PARAMETERS.
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
      this.#count(address, 'a wrong proof of the shared secret');
      throw new MirrorflowError('REFUSED', 'that is no proof of the shared secret');
    }
    this.#failed.succeeded(address);
    return { token, idleMs: LIMITS.rpcHttpSessionIdleMs };
  }

  #isRight(credential: string, address: string): boolean {
    const token = this.#options.token();
    if (token !== undefined && isLoopback(address) && isSame(credential, token)) return true;
    return this.#proven.uses(credential);
  }

  #count(address: string, what: string): void {
    const before = this.#failed.refusedForMs(address);
    const closes = this.#failed.failed(address);
    const { log } = this.#options;
    if (closes) log.warn('too many failed attempts; the address is refused for a while', { peer: address });
    else if (before === 0) log.info('a call was refused', { peer: address, why: what });
  }
}

/** An IPv4 address as such also where the socket is one of IPv6. */
export function addressOf({ socket }: IncomingMessage): string {
  const { remoteAddress = '' } = socket;
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress;
}

function credentialOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length > CREDENTIAL_CHARACTERS_MAX) return undefined;
  const [, scheme = '', rest = ''] = /^(\S+) +(\S+)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') return rest;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(rest, 'base64').toString('latin1');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
}

/** As long for a near miss as for any other. */
function isSame(given: string, right: string): boolean {
  return timingSafeEqual(digest(given), digest(right));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
