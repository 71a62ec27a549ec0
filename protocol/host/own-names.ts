/**
 * The names under which programs and browsers may address this machine: its host name, the first
 * label of it, that label in each search domain of the resolver, and the configured ones. The web
 * viewer and the gateway accept requests for these names only. Reads `/etc/resolv.conf` once.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

const RESOLVER_FILE = '/etc/resolv.conf';

/** Lower case, without a period at the end. */
export function ownNames(configured: readonly string[] = []): readonly string[] {
  const name = hostname().toLowerCase();
  const [label = name] = name.split('.', 1);
  const inDomains = searchDomains(readResolverFile()).map((domain) => `${label}.${domain}`);
  const all = [...configured, name, label, ...inDomains];
  return [...new Set(all.map((text) => text.toLowerCase().replace(/\.$/, '')))];
}

/** The domains of the last `search` or `domain` line, as the resolver reads the file. */
export function searchDomains(resolverFile: string): readonly string[] {
  const lines = resolverFile.split('\n').map((line) => line.trim().split(/\s+/));
  const [, ...domains] = lines.findLast(([word]) => word === 'search' || word === 'domain') ?? [];
  return domains.filter((domain) => domain !== '.');
}

function readResolverFile(): string {
  try {
    return readFileSync(RESOLVER_FILE, 'utf8');
  } catch {
    return '';
  }
}
