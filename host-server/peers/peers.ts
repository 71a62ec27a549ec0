/**
 * The other hosts: who is connected, over which of the connections between the two, and what runs
 * there. Owns the connections. A host is known by its name; of two connections with one host, one
 * is used (see preference.ts).
 */
import { EventEmitter } from 'eventemitter3';
import { formatAddress } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { HostIntroduction } from '../../protocol/rpc/contract/hosts.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { connectControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import type { HostContext, HostSession } from '../control/host-context.js';
import { PEER_ADDRESSES_MAX, type PeerAddress } from './peer-address.js';
import { PeerLink, type Introduced } from './peer-link.js';
import { choose } from './preference.js';

/**
 * How often a host says that it lives, and how long an answer may take before the connection counts
 * as cut.
 */
const SIGN_OF_LIFE_MS = 2_000;
const SIGN_OF_LIFE_TIMEOUT_MS = 8_000;
const INTRODUCTION_TIMEOUT_MS = 5_000;
/** Hosts that were connected and are remembered. */
const REMEMBERED_MAX = 64;

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** How it is reached: what stands in the configuration, else where it called from. */
  readonly address: string;
  readonly since: Date;
  readonly call: CallOf<MirrorflowContract>;
  /** Names of the applications that run there. */
  readonly running: ReadonlySet<string>;
}

/** A host that is not connected. */
export interface AwayPeer {
  readonly name: string | undefined;
  readonly address: string;
  readonly since: Date | undefined;
  readonly cause: string;
}

interface Entry extends Peer {
  readonly session: HostSession;
  readonly instance: string;
  readonly caller: string;
  address: string;
  running: ReadonlySet<string>;
  cancelSign: () => void;
}

interface PeersEvents {
  /** Who is connected, or what runs there, has changed. */
  changed: [];
}

export interface PeersOptions {
  readonly self: Pick<HostIntroduction, 'name' | 'instance' | 'version'>;
  readonly security: Security;
  /** Of a session that this host makes. */
  readonly session: (peerAddress: string) => SessionOptions<HostContext>;
  /** Names of the applications that run here. */
  readonly running: () => string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class Peers extends EventEmitter<PeersEvents> {
  readonly #options: PeersOptions;
  readonly #links = new Map<string, PeerLink>();
  readonly #entries = new Map<string, Entry>();
  readonly #away = new Map<string, AwayPeer>();
  /** Under which host this one reaches another, from the last connection that it made. */
  readonly #reachedAs = new Map<string, string>();
  #closed = false;

  constructor(options: PeersOptions) {
    super();
    this.#options = options;
  }

  /** Keeps a connection with the host at that address from now on. Any number of times is once. */
  add(address: PeerAddress): void {
    const key = formatAddress(address);
    if (this.#closed || this.#links.has(key)) return;
    const { clock, log } = this.#options;
    if (this.#links.size >= PEER_ADDRESSES_MAX) {
      log.warn('too many addresses of other hosts; one is left out', { address: key });
      return;
    }
    const connect = (to: PeerAddress, signal: AbortSignal): Promise<HostSession> => this.#connect(to, signal);
    const introduce = (session: HostSession): Promise<Introduced> => this.#introduce(session, address);
    this.#links.set(key, new PeerLink({ address, connect, introduce, clock, log }));
  }

  /**
   * See host.introduce: the other host has connected, from `remoteAddress`. Throws REFUSED for a
   * name that is taken.
   */
  introduced(
    session: HostSession,
    host: HostIntroduction,
    remoteAddress: string,
  ): { host: HostIntroduction; accepted: boolean } {
    const self = this.#introduction();
    if (host.instance === self.instance) return { host: self, accepted: false };
    const joined = this.#join({ session, host, caller: host.name, address: remoteAddress });
    return { host: self, accepted: joined === 'used' };
  }

  /** The host at the other end of a connection in use. Throws REFUSED. */
  nameOf(session: HostSession): string {
    return this.#entryOf(session).name;
  }

  /** See host.running. */
  tells(session: HostSession, applications: readonly string[]): void {
    const entry = this.#entryOf(session);
    const known = [...entry.running].toSorted().join(' ');
    if (known === applications.toSorted().join(' ')) return;
    entry.running = new Set(applications);
    this.emit('changed');
  }

  /** Tells all others what runs here now. */
  announce(): void {
    for (const entry of this.#entries.values()) this.#sign(entry);
  }

  list(): Peer[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those that were connected, or stand in the configuration, and are not connected. */
  away(): AwayPeer[] {
    const reached = new Set(this.#reachedAs.values());
    const never = [...this.#links.values()]
      .filter(({ address, cause }) => cause !== undefined && !reached.has(formatAddress(address)))
      .map(({ address, cause = '' }) => ({
        name: undefined,
        address: formatAddress(address),
        since: undefined,
        cause,
      }));
    return [...this.#away.values(), ...never];
  }

  /**
   * A connected host. Throws UNKNOWN_HOST naming those there are, TRANSPORT_ERROR for one that is
   * away.
   */
  peer(name: string): Peer {
    const entry = this.#entries.get(name);
    if (entry !== undefined) return entry;
    const away = this.#away.get(name);
    if (away !== undefined) {
      throw new MirrorflowError('TRANSPORT_ERROR', `host ${name} is away: ${away.cause}`, { host: name });
    }
    const names = [this.#options.self.name, ...this.list().map((peer) => peer.name)].join(', ');
    throw new MirrorflowError(
      'UNKNOWN_HOST',
      `there is no host ${name} on this network; there are: ${names}`,
      {
        host: name,
      },
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    const links = [...this.#links.values()].map((link) => link.close());
    const sessions = [...this.#entries.values()].map(({ session }) => session.close());
    await Promise.all([...links, ...sessions]);
    this.removeAllListeners();
  }

  #entryOf(session: HostSession): Entry {
    const entry = [...this.#entries.values()].find((known) => known.session === session);
    if (entry !== undefined) return entry;
    throw new MirrorflowError('REFUSED', 'this connection is not the one that the two hosts use');
  }

  #connect(address: PeerAddress, signal: AbortSignal): Promise<HostSession> {
    const { security, session } = this.#options;
    const { secret, trust } = security;
    if (secret === undefined) throw new MirrorflowError('BAD_OPTION', 'hosts need a shared secret');
    return connectControl(address, { secret, trust }, { ...session(address.host), signal });
  }

  async #introduce(session: HostSession, address: PeerAddress): Promise<Introduced> {
    const self = this.#introduction();
    const call = callerOf(CONTRACT, session);
    const { host, accepted } = await call('host.introduce', [self], { timeoutMs: INTRODUCTION_TIMEOUT_MS });
    if (host.instance === self.instance) return { kind: 'self' };
    this.#reaches(host.name, address);
    if (accepted) {
      const joined = this.#join({ session, host, caller: self.name, address: address.host });
      if (joined === 'used') return { kind: 'used', over: session.closed };
    }
    const used = this.#entries.get(host.name)?.session.closed;
    return { kind: 'spare', over: used ?? Promise.resolve() };
  }

  /**
   * The address that was configured is better than the one a host called from: certificates are for
   * names.
   */
  #reaches(name: string, address: PeerAddress): void {
    this.#reachedAs.set(name, formatAddress(address));
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.address === address.host) return;
    entry.address = address.host;
    this.emit('changed');
  }

  #join(found: {
    readonly session: HostSession;
    readonly host: HostIntroduction;
    readonly caller: string;
    readonly address: string;
  }): 'used' | 'spare' {
    const { self, log } = this.#options;
    const { session, host, caller, address } = found;
    if (host.name === self.name) throw nameTaken(host.name, 'this host');
    const present = this.#entries.get(host.name);
    if (present !== undefined) {
      const choice = choose(self.name, host.name, present, { caller, instance: host.instance });
      if (choice === 'conflict') {
        // The other one may have been lost without a word: then the next try finds the name free.
        this.#sign(present);
        throw nameTaken(host.name, `the host at ${present.address}`);
      }
      if (choice === 'present') return 'spare';
    }
    const entry: Entry = {
      name: host.name,
      version: host.version,
      instance: host.instance,
      address: hostOf(this.#reachedAs.get(host.name)) ?? address,
      since: present?.since ?? new Date(),
      call: callerOf(CONTRACT, session),
      running: new Set(host.running),
      session,
      caller,
      cancelSign: this.#options.clock.after(SIGN_OF_LIFE_MS, () => this.#sign(entry), true),
    };
    this.#entries.set(host.name, entry);
    this.#away.delete(host.name);
    session.once('close', (reason) => this.#lost(entry, reason));
    if (present === undefined) log.info('connected with another host', { host: host.name, address });
    else this.#replace(present);
    this.emit('changed');
    return 'used';
  }

  #introduction(): HostIntroduction {
    return { ...this.#options.self, running: this.#options.running() };
  }

  #replace(entry: Entry): void {
    entry.cancelSign();
    void entry.session.close();
  }

  #lost(entry: Entry, reason: MirrorflowError | undefined): void {
    entry.cancelSign();
    if (this.#entries.get(entry.name) !== entry) return;
    this.#entries.delete(entry.name);
    if (this.#closed) return;
    const cause = reason?.message ?? 'the connection was closed';
    if (this.#away.size >= REMEMBERED_MAX) this.#away.delete([...this.#away.keys()][0] ?? '');
    this.#away.set(entry.name, {
      name: entry.name,
      address: this.#reachedAs.get(entry.name) ?? entry.address,
      since: new Date(),
      cause,
    });
    this.#options.log.warn('the connection with another host was lost', { host: entry.name, cause });
    this.emit('changed');
  }

  /**
   * Says what runs here, and that this host lives; whoever does not answer is taken for cut off.
   */
  #sign(entry: Entry): void {
    const { clock, running } = this.#options;
    entry.cancelSign();
    entry.cancelSign = clock.after(SIGN_OF_LIFE_MS, () => this.#sign(entry), true);
    entry
      .call('host.running', [running()], { timeoutMs: SIGN_OF_LIFE_TIMEOUT_MS })
      .catch((error: unknown) => {
        // A host that has just been introduced may have another opinion on which connection is
        // used.
        if (error instanceof MirrorflowError && error.code !== 'TIMED_OUT') return;
        const message = `no sign of life within ${SIGN_OF_LIFE_TIMEOUT_MS} ms: ${describeError(error)}`;
        entry.session.destroy(new MirrorflowError('TRANSPORT_ERROR', message));
      });
  }
}

function nameTaken(name: string, who: string): MirrorflowError {
  return new MirrorflowError(
    'REFUSED',
    `${who} is named ${name} already; names of hosts are unique: start one of them with --host-name`,
    { host: name },
  );
}

/** The host of an address text. */
function hostOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const host = /^[a-z]+:\/\/(.*):\d+$/.exec(address)?.[1];
  return host?.startsWith('[') === true ? host.slice(1, -1) : host;
}
