/**
 * What a host publishes about itself in the bucket of all sites: its applications and flows, as
 * JSON, sealed for its key. Entries of other hosts are checked wholly before they are used. Used by
 * the presence of this host and the table of far hosts. Pure.
 */
import { siteHost, type SiteHost } from '../../protocol/rpc/contract/sites.js';
import { isStruct } from '../../protocol/rpc/xml-rpc/values.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { isName } from '../../protocol/base/names.js';
import { nameOfToken } from '../../protocol/nats/subjects.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';

/** Bytes of an entry; the lists are cut to fit. */
export const ENTRY_BYTES_MAX = 256 * 1024;

export interface Entry {
  readonly host: SiteHost;
  /** Wall-clock time of the publishing host, milliseconds: grows from entry to entry. */
  readonly atMs: number;
}

/** The entry as bytes for `key`. Flows, then applications, are left out until it fits. */
export function encodeEntry(seals: SiteSeals, key: string, { host, atMs }: Entry): Uint8Array {
  let { applications, flows } = host;
  for (;;) {
    const text = JSON.stringify({ ...host, applications, flows, atMs });
    const sealed = seals.seal(key, Buffer.from(text));
    if (sealed.length <= ENTRY_BYTES_MAX) return sealed;
    if (flows.length > 0) flows = flows.slice(0, flows.length >> 1);
    else applications = applications.slice(0, applications.length >> 1);
  }
}

/**
 * Undefined for bytes that are no entry of the host that the key names, or not sealed by its site.
 */
export function decodeEntry(seals: SiteSeals, key: string, bytes: Uint8Array): Entry | undefined {
  const [siteToken = '', hostToken = '', ...rest] = key.split('.');
  const [site, name] = [nameOfToken(siteToken), nameOfToken(hostToken)];
  if (rest.length > 0 || !isName(site) || !isName(name) || bytes.length > ENTRY_BYTES_MAX) return undefined;
  const body = seals.open(site, key, bytes);
  if (body === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(Buffer.from(body).toString('utf8'), revive);
    if (!isStruct(content)) return undefined;
    const { atMs } = content;
    if (typeof atMs !== 'number' || !Number.isFinite(atMs)) return undefined;
    const place = { method: 'the entry', root: key, path: [], unknownMembers: 'drop' } as const;
    const host = siteHost.check(content, { ...place, path: [] });
    return host.site === site && host.host === name ? { host, atMs } : undefined;
  } catch (error) {
    // A RangeError: nested deeper than the stack.
    if (error instanceof SyntaxError || error instanceof RangeError || isMirrorflowError(error))
      return undefined;
    throw error;
  }
}

function revive(key: string, value: unknown): unknown {
  if ((key !== 'since' && key !== 'startedAt') || typeof value !== 'string') return value;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : date;
}
