/**
 * Asks the kernel for the user of one TCP connection of this machine: sock_diag(7) over a netlink
 * socket, one request of some 10 us for each connection, while /proc/net/tcp lists all connections
 * of the machine. connection-user.ts calls it. Opens one netlink socket per process, through koffi,
 * which may be missing; then, and where the kernel refuses, there is no diagnosis.
 *
 *   request  nlmsghdr, then inet_diag_req_v2: u8 family | u8 protocol | u8, u8 0 | u32 states | id
 *   reply    nlmsghdr, then inet_diag_msg: u8 family | u8 state | u8, u8 | id | u32 expires, rqueue,
 *            wqueue, uid, inode
 *   id       u16 port, u16 other port, 16 bytes address, 16 bytes other address (network order) |
 *            u32 interface | u64 cookie
 *
 * Source: the kernel's include/uapi/linux/netlink.h, sock_diag.h and inet_diag.h.
 */
import { isIPv4 } from 'node:net';
import { C_LIBRARY, loadKoffi } from '../../base/koffi.js';

/** One end of a connection: an address without a zone, IPv6 as written by Node, and a port. */
export interface ConnectionEnd {
  readonly address: string;
  readonly port: number;
}

/** `unavailable`: this system gives no diagnosis. `uid` undefined: no such open connection. */
export type Diagnosis =
  { readonly kind: 'unavailable' } | { readonly kind: 'found'; readonly uid: number | undefined };

const AF = { INET: 2, INET6: 10, NETLINK: 16 } as const;
const SOCK_RAW_CLOEXEC = 3 | 0o2_000_000;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;
const IPPROTO_TCP = 6;
const TCP_ESTABLISHED = 1;
/** Types of netlink messages. */
const TYPE = { error: 2, byFamily: 20 } as const;
const NLM_F_REQUEST = 1;
const ENOENT = -2;

const MESSAGE = { bytes: 16, type: 4, flags: 6, sequence: 8 } as const;
const ID = { bytes: 48, addressBytes: 16, address: 4, otherAddress: 20, interface: 36, cookie: 40 } as const;
const REQUEST = { family: 16, protocol: 17, states: 20, id: 24, bytes: 24 + ID.bytes } as const;
const REPLY = { state: 17, id: 20, uid: 80, bytes: 88 } as const;
const REPLY_BYTES_MAX = 8_192;

interface Netlink {
  /** Sends the request and returns the reply's bytes; undefined where one of the calls fails. */
  exchange(request: Buffer): Buffer | undefined;
}

let opened: Netlink | 'unavailable' | undefined;
let sequence = 0;

/** The user of the process that has the end `local` of a connection with `remote`. */
export function diagnose(local: ConnectionEnd, remote: ConnectionEnd): Diagnosis {
  opened ??= open();
  if (opened === 'unavailable') return { kind: 'unavailable' };
  sequence = (sequence + 1) >>> 0;
  const request = encodeRequest(local, remote, sequence);
  const reply = opened.exchange(request);
  const diagnosis = reply === undefined ? undefined : decodeReply(request, reply);
  if (diagnosis !== undefined) return diagnosis;
  // One that does not answer as documented is not asked again.
  opened = 'unavailable';
  return { kind: 'unavailable' };
}

function encodeRequest(local: ConnectionEnd, remote: ConnectionEnd, number: number): Buffer {
  const request = Buffer.alloc(REQUEST.bytes);
  request.writeUInt32LE(REQUEST.bytes, 0);
  request.writeUInt16LE(TYPE.byFamily, MESSAGE.type);
  request.writeUInt16LE(NLM_F_REQUEST, MESSAGE.flags);
  request.writeUInt32LE(number, MESSAGE.sequence);
  request[REQUEST.family] = isIPv4(local.address) ? AF.INET : AF.INET6;
  request[REQUEST.protocol] = IPPROTO_TCP;
  request.fill(0xff, REQUEST.states, REQUEST.id);
  const id = request.subarray(REQUEST.id);
  id.writeUInt16BE(local.port, 0);
  id.writeUInt16BE(remote.port, 2);
  id.set(addressBytes(local.address), ID.address);
  id.set(addressBytes(remote.address), ID.otherAddress);
  id.fill(0xff, ID.cookie, ID.bytes);
  return request;
}

/** Undefined: not a reply to this request. */
function decodeReply(request: Buffer, reply: Buffer): Diagnosis | undefined {
  if (reply.length < MESSAGE.bytes + 4) return undefined;
  if (reply.readUInt32LE(MESSAGE.sequence) !== request.readUInt32LE(MESSAGE.sequence)) return undefined;
  const type = reply.readUInt16LE(MESSAGE.type);
  if (type === TYPE.error) {
    const isMissing = reply.readInt32LE(MESSAGE.bytes) === ENOENT;
    return isMissing ? { kind: 'found', uid: undefined } : undefined;
  }
  if (type !== TYPE.byFamily || reply.length < REPLY.bytes) return undefined;
  // The kernel falls back to a listening socket, which has other ends.
  const ends = (bytes: Buffer, at: number): Buffer => bytes.subarray(at, at + ID.interface);
  const isOpen =
    reply[REPLY.state] === TCP_ESTABLISHED && ends(reply, REPLY.id).equals(ends(request, REQUEST.id));
  return { kind: 'found', uid: isOpen ? reply.readUInt32LE(REPLY.uid) : undefined };
}

function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number);
  const words = ipv6Words(address);
  const bytes = new Uint8Array(ID.addressBytes);
  for (const [index, word] of words.entries()) bytes.set([word >>> 8, word & 0xff], index * 2);
  return bytes;
}

/** The eight words of an IPv6 address without a zone and without dots. */
function ipv6Words(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  if (tail === undefined) return words(head);
  const [before, after] = [words(head), words(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function open(): Netlink | 'unavailable' {
  try {
    const koffi = loadKoffi();
    const libc = koffi.load(C_LIBRARY);
    const socket = libc.func('int socket(int domain, int type, int protocol)') as (
      domain: number,
      type: number,
      protocol: number,
    ) => number;
    const send = libc.func('intptr_t send(int fd, const void *bytes, size_t count, int flags)') as (
      fd: number,
      bytes: Buffer,
      count: number,
      flags: number,
    ) => number;
    const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t count, int flags)') as typeof send;
    const fd = socket(AF.NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return 'unavailable';
    const buffer = Buffer.alloc(REPLY_BYTES_MAX);
    return {
      exchange(request) {
        if (send(fd, request, request.length, 0) !== request.length) return undefined;
        // The kernel has answered when send returns.
        const bytes = recv(fd, buffer, buffer.length, MSG_DONTWAIT);
        return bytes < 0 ? undefined : buffer.subarray(0, bytes);
      },
    };
  } catch {
    return 'unavailable'; // koffi is not installed
  }
}
