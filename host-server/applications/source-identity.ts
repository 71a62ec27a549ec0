/**
 * Recognises one SpecTcl under different addresses: host names are resolved, services and users
 * looked up at the port manager of the host. By it the host server refuses a second application of
 * one source, which would mirror the SpecTcl twice. Resolves names and asks port managers.
 */
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';

/** What identifies a source; two may be of the same SpecTcl only with equal members. */
export interface SourceIdentity {
  /** IP addresses of the host, `local` for all of this one; its name where that is unknown. */
  readonly hosts: ReadonlySet<string>;
  /** Ports of its services; the service and its user where the port is unknown. */
  readonly services: readonly string[];
}

/** A source whose host or services cannot be found in this time is compared by its text. */
const RESOLVE_TIMEOUT_MS = 1_000;
const LOCAL = 'local';

/** Never rejects. Throws BAD_ADDRESS for a text that is no address. */
export async function identifySource(source: string): Promise<SourceIdentity> {
  const address = parseAddress(source, { schemes: ['spectcl', 'tcp', 'tls', 'unix'] });
  if (address.scheme !== 'spectcl') return { hosts: new Set([formatAddress(address)]), services: [''] };
  const { host, rest, mirror, user } = address;
  const [hosts, restPort, mirrorPort] = await Promise.all([
    hostsOf(host),
    portOf(host, rest, user),
    portOf(host, mirror, user),
  ]);
  return { hosts, services: [`rest ${restPort}`, `mirror ${mirrorPort}`] };
}

/** Whether both are of one SpecTcl: a host and a service in common. */
export function isSameSource(one: SourceIdentity, other: SourceIdentity): boolean {
  return (
    [...one.hosts].some((host) => other.hosts.has(host)) &&
    one.services.some((service) => other.services.includes(service))
  );
}

async function hostsOf(host: string): Promise<ReadonlySet<string>> {
  try {
    const found = await inTime(lookup(host, { all: true }));
    const own = ownAddresses();
    return new Set(found.map(({ address }) => (isLoopback(address) || own.has(address) ? LOCAL : address)));
  } catch {
    return new Set([host.toLowerCase()]);
  }
}

async function portOf(host: string, service: number | string, user: string | undefined): Promise<string> {
  if (typeof service === 'number') return String(service);
  try {
    const timeoutMs = RESOLVE_TIMEOUT_MS;
    return String(
      await lookUpService(host, service, user, { timeoutMs, signal: AbortSignal.timeout(timeoutMs) }),
    );
  } catch {
    return `${service} of ${user ?? 'any user'}`;
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), RESOLVE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address)),
  );
}

function isLoopback(address: string): boolean {
  return isIPv4(address) ? address.startsWith('127.') : address === '::1';
}
