/**
 * IP addresses of connecting programs as the limits of unproven ones count them, and which of them
 * belong to hosts of the configuration, whose connections never compete with those of others. Used
 * by the HTTP server, the gate for other hosts and the listener of a duplicator. Resolves host
 * names.
 */
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import type { Clock } from '../../base/clock.js';

const IPV4_IN_IPV6 = '::ffff:';
/** Groups of 16 bits that name the network of an IPv6 address: one site has a /64 at least. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;
/** A host may get another address. */
const RESOLVE_AGAIN_MS = 60_000;

/** An IPv4 address without the prefix that an IPv6 socket gives it. */
export function plainAddress(address: string): string {
  return address.startsWith(IPV4_IN_IPV6) && address.includes('.')
    ? address.slice(IPV4_IN_IPV6.length)
    : address;
}

/** What is counted: an IPv4 address, or the /64 of an IPv6 address. Other texts are their own. */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = (plain.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : GROUPS - groups.length - behind.length;
  const all = [...groups, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...behind];
  const network = all.slice(0, NETWORK_GROUPS).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** Resolves a host name to its addresses. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export class ConfiguredPeers {
  readonly #hosts: readonly string[];
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #stated: ReadonlySet<string>;
  #resolved: ReadonlySet<string> = new Set();
  #resolvedAtMs = Number.NEGATIVE_INFINITY;

  /** `hosts`: names or addresses. */
  constructor(hosts: readonly string[], clock: Clock, resolve: Resolve = resolveAll) {
    this.#stated = new Set(hosts.filter((host) => isIP(host) !== 0));
    this.#hosts = hosts.filter((host) => isIP(host) === 0);
    this.#clock = clock;
    this.#resolve = resolve;
    this.#refresh();
  }

  /** Whether a connection from this IP address is one of a configured host. */
  has(address: string): boolean {
    this.#refresh();
    const plain = plainAddress(address);
    return this.#stated.has(plain) || this.#resolved.has(plain);
  }

  #refresh(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#hosts.length === 0 || nowMs - this.#resolvedAtMs < RESOLVE_AGAIN_MS) return;
    this.#resolvedAtMs = nowMs;
    const lookups = this.#hosts.map((host) => this.#resolve(host).catch(() => []));
    void Promise.all(lookups).then((found) => {
      this.#resolved = new Set(found.flat().map(plainAddress));
    });
  }
}

async function resolveAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
