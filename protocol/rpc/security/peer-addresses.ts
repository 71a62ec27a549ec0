/**
 * IP addresses of connecting programs as the limits of unproven ones count them. Used by every
 * server that limits connections or failures per address. Pure.
 */
import { isIPv6 } from 'node:net';

const IPV4_IN_IPV6 = '::ffff:';
/** Groups of 16 bits that name the network of an IPv6 address: one site has a /64 at least. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

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
