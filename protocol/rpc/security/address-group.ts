/**
 * The unit in which limits count the other end of a connection: an IPv4 address, or the first 64
 * bits of an IPv6 address, of which one machine has as many addresses as it likes. Every limit per
 * address uses it. Pure.
 */
import { isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS = 8;
const GROUPS_OF_NETWORK = 4;

/** Text that is no address is returned unchanged, and so is the result of this function. */
export function addressGroup(address: string | undefined): string {
  const text = address ?? '';
  const mapped = MAPPED_IPV4.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  const [withoutZone = ''] = text.split('%', 1);
  if (!isIPv6(withoutZone)) return text;
  const [head = '', tail] = withoutZone.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end takes the place of two groups.
  const written = before.length + after.length + (withoutZone.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? [] : Array.from({ length: GROUPS - written }, () => '0');
  const network = [...before, ...zeros, ...after].slice(0, GROUPS_OF_NETWORK);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
