/**
 * Who may see an application over a TCP port of this machine: the viewer, its metrics and the
 * gateway ask it for each connection. The user of a local connection must have the right to read,
 * as for a socket file. The user of another machine is unknown. Asks the kernel
 * (connection-user.ts), runs id(1) for the groups of a user.
 */
import { execFileSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../../base/clock.js';
import type { AccessOptions, ApplicationReaders } from '../../rpc/contract/access-options.js';
import { systemAccounts } from './accounts.js';
import { ConnectionUsers } from './connection-user.js';
import { accessPolicy } from './policy.js';

const ID_TIMEOUT_MS = 2_000;
/** How long the groups of a user are kept, and of how many users. */
const GROUPS_KEPT_MS = 60_000;
const USERS_MAX = 256;
/**
 * Processor time for finding users: this part of the time, after at most so much at once. Under a
 * flood the kernel's tables have tens of thousands of closed connections.
 */
const READING_PART = 0.2;
const READING_BURST_MS = 50;

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
  readonly #connections: ConnectionUsers;
  readonly #users = new WeakMap<Socket, number | undefined>();
  readonly #groups = new Map<number, { readonly ids: readonly number[]; readonly untilMs: number }>();
  /** Connections whose user the next reading finds. */
  #waiting = new Set<Socket>();
  #reading: Promise<void> | undefined;
  /** Time that readings may still take at once; below 0 they wait until it has grown again. */
  #budgetMs = READING_BURST_MS;
  #budgetAtMs = 0;

  constructor(clock: Clock = systemClock, connections = new ConnectionUsers()) {
    this.#clock = clock;
    this.#connections = connections;
  }

  /** Whether the user at the other end may read; one of another machine only what everyone may. */
  mayRead({ socket }: { readonly socket: Socket }, readers: ApplicationReaders | undefined): boolean {
    if (readers?.everyone === true) return true;
    if (!this.#users.has(socket)) this.#find([socket]);
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
    this.#find(waiting);
    this.#budgetMs -= this.#clock.nowMs() - startMs;
  }

  #find(sockets: Iterable<Socket>): void {
    for (const [socket, uid] of this.#connections.of(sockets)) this.#users.set(socket, uid);
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
