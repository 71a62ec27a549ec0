/**
 * Names of everything at a NATS server: subjects, streams and the bucket, all of which begin with
 * the prefix of the address. Called by publishers, receivers and the permission list, which grants
 * a site what has its own name in the place of SITE. Pure.
 *
 * ```
 * PREFIX.data.SITE.APP.FLOW.…        publications of a flow, published by SITE alone
 * PREFIX.take.SITE.APP.FLOW.CALLER.… what receivers at CALLER send to the publisher at SITE
 * PREFIX.ask.SITE.HOST.CALLER        a request of the site CALLER, answered by HOST at SITE
 * PREFIX.inbox.SITE.…                answers to SITE
 * stream PREFIX-SITE                 what SITE stores of its publications
 * bucket PREFIX                      what each host has: keys begin with SITE
 * ```
 */
import { checkName } from '../base/names.js';

/**
 * A name as one token of a subject or key. Dots separate tokens, so they become "=", which no name
 * has.
 */
export function subjectToken(name: string): string {
  return name.replaceAll('.', '=');
}

/** The name of which `subjectToken` made the token. */
export function nameOfToken(token: string): string {
  return token.replaceAll('=', '.');
}

/** Throws BAD_NAME for what is not a name; sites are named like hosts. */
export function checkSite(value: unknown): string {
  return checkName('host', value);
}

/** Names at one prefix for one site. */
export class NatsSubjects {
  readonly prefix: string;
  readonly site: string;
  readonly #token: string;

  constructor(prefix: string, site: string) {
    this.prefix = prefix;
    this.site = site;
    this.#token = subjectToken(site);
  }

  /** All publications of the site. */
  get allData(): string {
    return `${this.prefix}.data.${this.#token}.>`;
  }

  /** The subject of a flow's publications; `parts` are further tokens. */
  data(app: string, flow: string, ...parts: readonly string[]): string {
    return [this.prefix, 'data', this.#token, subjectToken(app), subjectToken(flow), ...parts].join('.');
  }

  /** What receivers at `caller` send to the publisher of a flow of this site. */
  take(app: string, flow: string, caller: string, ...parts: readonly string[]): string {
    const names = [this.site, app, flow, caller].map(subjectToken);
    return [this.prefix, 'take', ...names, ...parts].join('.');
  }

  /** The subject of requests of `caller` to a host of this site; `caller` may be `*`. */
  ask(host: string, caller: string): string {
    return `${this.prefix}.ask.${this.#token}.${subjectToken(host)}.${subjectToken(caller)}`;
  }

  /** Answers to this site; given to the connection. */
  get inbox(): string {
    return `${this.prefix}.inbox.${this.#token}`;
  }

  get stream(): string {
    return `${this.prefix}-${this.#token}`;
  }

  get bucket(): string {
    return this.prefix;
  }

  /** A key of the bucket. */
  key(...names: readonly string[]): string {
    return [this.site, ...names].map(subjectToken).join('.');
  }
}
