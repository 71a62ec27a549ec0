/**
 * Who may see an application over a TCP port of this machine: the viewer, its metrics and the
 * gateway ask it for each connection. Linux names the user of a local connection in
 * /proc/net/tcp; that user must have the right to read, as for a socket file. The user of another
 * machine is unknown. Reads /proc, runs id(1) for the groups of a user.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isIPv4, type Socket } from 'node:net';
import { systemClock, type Clock } from '../../base/clock.js';
import { isLoopback } from '../../rpc/security/listening.js';
import type { AccessOptions, ApplicationReaders } from '../../rpc/contract/access-options.js';
import { systemAccounts } from './accounts.js';
import { accessPolicy } from './policy.js';

const ID_TIMEOUT_MS = 2_000;
/** How long the groups of a user are kept, and of how many users. */
const GROUPS_KEPT_MS = 60_000;
const USERS_MAX = 256;
/** Fields of a line of proc_net_tcp(5), and the state of an established connection. */
const FIELDS = { local: 1, remote: 2, state: 3, uid: 7 } as const;
const ESTABLISHED = '01';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/**
 * Processor time for reading the tables: this part of the time, after at most so much at once.
 * Under a flood the tables have tens of thousands of closed connections.
 */
const READING_PART = 0.2;
const READING_BURST_MS = 50;
const IPV6_LOOPBACK = '00000000000000000000000001000000';
const MAPPED_PREFIX = '0000000000000000FFFF0000';

/** The users and groups that may read an application with this access, by number. */
export function readersOf(access: AccessOptions | undefined): ApplicationReaders {
  const owner = process.geteuid?.() ?? 0;
  try {
    const policy = accessPolicy(access ?? {}, systemAccounts());
    const ids = (kind: 'user' | 'group'): number[] =>
      policy.named.filter((account) => account.kind === kind).map(({ id }) => id);
    const group = policy.group === undefined ? [] : [policy.gid ?? process.getegid?.() ?? owner];
    return {
      owner,
      everyone: policy.others !== undefined,
      users: ids('user'),
      groups: [...group, ...ids('group')],
    };
  } catch {
    return { owner, everyone: false, users: [], groups: [] }; // no application starts with it
  }
}

/**
 * Whether a user may read. `uid` undefined: unknown. `readers` undefined: of an application of
 * which nothing is known, which only its owner reads.
 */
export function mayRead(
  readers: ApplicationReaders | undefined,
  uid: number | undefined,
  groupsOf: (uid: number) => readonly number[],
): boolean {
  if (readers?.everyone === true) return true;
  if (uid === undefined) return false;
  if (uid === 0 || uid === (readers?.owner ?? process.geteuid?.())) return true;
  if (readers === undefined) return false;
  if (readers.users.includes(uid)) return true;
  return readers.groups.length > 0 && groupsOf(uid).some((gid) => readers.groups.includes(gid));
}

export class Audience {
  readonly #clock: Clock;
  readonly #users = new WeakMap<Socket, number | undefined>();
  readonly #groups = new Map<number, { readonly ids: readonly number[]; readonly untilMs: number }>();
  /** Connections whose user the next reading finds. */
  #waiting = new Set<Socket>();
  #reading: Promise<void> | undefined;
  /** Time that readings may still take at once; below 0 they wait until it has grown again. */
  #budgetMs = READING_BURST_MS;
  #budgetAtMs = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Whether the user at the other end may read; one of another machine only what everyone may. */
  mayRead({ socket }: { readonly socket: Socket }, readers: ApplicationReaders | undefined): boolean {
    if (readers?.everyone === true) return true;
    if (!this.#users.has(socket)) this.#users.set(socket, userOf(socket, textOf));
    return mayRead(readers, this.#users.get(socket), (uid) => this.#groupsOf(uid));
  }

  /**
   * Resolves when the user of a connection is known to `mayRead`. All connections that wait share
   * one reading of the tables.
   */
  async identify(socket: Socket): Promise<void> {
    if (this.#users.has(socket)) return;
    this.#waiting.add(socket);
    this.#reading ??= this.#untilReadable().then(() => this.#read());
    await this.#reading;
  }

  async #untilReadable(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const grownMs = (nowMs - this.#budgetAtMs) * READING_PART;
    this.#budgetMs = Math.min(READING_BURST_MS, this.#budgetMs + grownMs);
    this.#budgetAtMs = nowMs;
    const delayMs = -this.#budgetMs / READING_PART;
    if (delayMs > 0) await new Promise<void>((resolve) => void this.#clock.after(delayMs, resolve));
  }

  #read(): void {
    this.#reading = undefined;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    const startMs = this.#clock.nowMs();
    const tables = new Map<string, string>();
    const readOnce = (table: string): string => {
      const text = tables.get(table) ?? textOf(table);
      tables.set(table, text);
      return text;
    };
    for (const socket of waiting) this.#users.set(socket, userOf(socket, readOnce));
    this.#budgetMs -= this.#clock.nowMs() - startMs;
  }

  #groupsOf(uid: number): readonly number[] {
    const nowMs = this.#clock.nowMs();
    const known = this.#groups.get(uid);
    if (known !== undefined && known.untilMs > nowMs) return known.ids;
    if (this.#groups.size >= USERS_MAX) this.#groups.clear();
    const ids = groupsOf(uid);
    this.#groups.set(uid, { ids, untilMs: nowMs + GROUPS_KEPT_MS });
    return ids;
  }
}

/** The user of the process at the other end of a loopback connection; undefined where unknown. */
function userOf(
  { remoteAddress, remotePort, localPort }: Socket,
  read: (table: string) => string,
): number | undefined {
  const address = remoteAddress?.replace('::ffff:', '') ?? '';
  if (!isLoopback(address) || remotePort === undefined || localPort === undefined) return undefined;
  const host = isIPv4(address) ? hexOfIpv4(address) : IPV6_LOOPBACK;
  const port = hexOfPort(remotePort);
  const local = [`${host}:${port}`, `${MAPPED_PREFIX}${host}:${port}`];
  const remoteEnd = `:${hexOfPort(localPort)}`;
  for (const table of TABLES) {
    for (const line of linesWith(local, read(table))) {
      const fields = line.trim().split(/\s+/);
      if (fields[FIELDS.state] !== ESTABLISHED || !local.includes(fields[FIELDS.local] ?? '')) continue;
      if (fields[FIELDS.remote]?.endsWith(remoteEnd) === true) return Number(fields[FIELDS.uid]);
    }
  }
  return undefined;
}

/**
 * The lines of a table that contain one of these addresses. Splitting the whole table would cost
 * more than all else: it has every connection of the machine.
 */
function* linesWith(addresses: readonly string[], table: string): Generator<string> {
  for (const address of addresses) {
    for (let at = table.indexOf(address); at >= 0; at = table.indexOf(address, at + 1)) {
      const end = table.indexOf('\n', at);
      yield table.slice(table.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end);
    }
  }
}

function textOf(table: string): string {
  try {
    return readFileSync(table, 'latin1');
  } catch {
    return '';
  }
}

/** As the kernel prints it: the address as one number of this little-endian machine. */
function hexOfIpv4(address: string): string {
  return Buffer.from(address.split('.').toReversed().map(Number)).toString('hex').toUpperCase();
}

function hexOfPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

function groupsOf(uid: number): readonly number[] {
  try {
    const output = execFileSync('id', ['-G', String(uid)], {
      timeout: ID_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    return output.trim().split(' ').map(Number);
  } catch {
    return []; // no account has this number
  }
}
