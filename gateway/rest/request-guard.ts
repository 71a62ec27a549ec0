/**
 * Decides whether a request to the gateway's REST service is served at all, and whether it may
 * change SpecTcl: a browser on this network must not be made to read or change an experiment by a
 * page of another site. `rest-service.ts` asks it. Pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isOwnHost, isOwnOrigin, mayChange } from '../../protocol/rpc/security/browser-requests.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';

export interface Refusal {
  readonly httpStatus: number;
  readonly reason: string;
}

export interface RequestGuardOptions {
  /** Names of this host, lower case; loopback names and numeric addresses are always its own. */
  readonly names: readonly string[];
  readonly allowChanges: boolean;
  /** What requests that change SpecTcl must carry; undefined: nothing. */
  readonly changesToken: Secret | undefined;
}

export class RequestGuard {
  readonly #options: RequestGuardOptions;

  constructor(options: RequestGuardOptions) {
    this.#options = options;
  }

  get allowChanges(): boolean {
    return this.#options.allowChanges;
  }

  /** Undefined: the request is served. */
  refusal({ host, origin }: IncomingHttpHeaders): Refusal | undefined {
    if (!isOwnHost(host, this.#options.names)) {
      const reason = 'this gateway does not have that name; the option names (--host-names) adds one';
      return { httpStatus: 421, reason };
    }
    if (origin === undefined || isOwnOrigin(origin, host)) return undefined;
    return { httpStatus: 403, reason: 'a page of another site may not use this gateway' };
  }

  /** Undefined: the request may change SpecTcl, if changes are allowed at all. */
  changeRefusal(headers: IncomingHttpHeaders): Refusal | undefined {
    if (!mayChange(headers)) {
      return { httpStatus: 403, reason: 'a page of another site may not change SpecTcl' };
    }
    const { changesToken } = this.#options;
    if (changesToken === undefined || hasToken(headers.authorization, changesToken)) return undefined;
    return { httpStatus: 401, reason: 'send the token for changes of this gateway as bearer token' };
  }
}

function hasToken(authorization: string | undefined, token: Secret): boolean {
  const [, sent] = /^Bearer (.+)$/.exec(authorization ?? '') ?? [];
  // Equal lengths, so that the time of the comparison reveals nothing.
  return sent !== undefined && timingSafeEqual(digest(sent), digest(token.key));
}

function digest(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest();
}
