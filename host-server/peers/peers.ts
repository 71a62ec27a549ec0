/**
 * The other hosts: which are connected, over which of the connections between two hosts, and what
 * runs there. A host is known by its name. Used by `host-server.ts` and the handlers in `calls/`.
 * Opens and owns the connections to the configured and discovered addresses, and uses those that
 * other hosts make.
 */
import { EventEmitter } from 'eventemitter3';
import { formatAddress } from '../../protocol/base/address.js';
import type { BackoffLimits } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { HostIntroduction } from '../../protocol/rpc/contract/hosts.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { connectControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import type { CallOrigin, HostSession } from '../control/call-origin.js';
import { ConnectedPeer, type Peer, type PeerConnection } from './connected-peer.js';
import { DiscoveredAddresses } from './discovered-addresses.js';
import type { PeerAddress } from './peer-address.js';
import { DISCOVERED_BACKOFF, PEER_BACKOFF, PeerLink, type Introduced } from './peer-link.js';
import { choose } from './preference.js';

const INTRODUCTION_TIMEOUT_MS = 5_000;
/** Hosts that were connected and are remembered. */
const REMEMBERED_MAX = 64;

/** A host that is not connected. */
export interface UnreachablePeer {
  /** Undefined for a configured address that was never reached. */
  readonly name: string | undefined;
  readonly address: string;
  /** When the connection was lost. */
  readonly since: Date | undefined;
  readonly cause: string;
  readonly code: ErrorCode;
}

interface PeersEvents {
  /** A host was connected or lost, or what runs there has changed. */
  changed: [];
}

export interface PeersOptions {
  readonly self: Pick<HostIntroduction, 'name' | 'instance' | 'version'>;
  readonly security: Security;
  /** Options of a session that this host makes. */
  readonly session: (peerAddress: string) => SessionOptions<CallOrigin>;
  /** Names of the applications that run here. */
  readonly running: () => string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class Peers extends EventEmitter<PeersEvents> {
  readonly #options: PeersOptions;
  /** One per address, by its text. */
  readonly #links = new Map<string, PeerLink>();
  readonly #connected = new Map<string, ConnectedPeer>();
  readonly #lost = new Map<string, UnreachablePeer>();
  /** The address of the last connection that this host made, by the name of the host there. */
  readonly #addresses = new Map<string, PeerAddress>();
  readonly #discovered: DiscoveredAddresses;
  #closed = false;

  constructor(options: PeersOptions) {
    super();
    this.#options = options;
    this.#discovered = new DiscoveredAddresses(options.clock);
  }

  /** Keeps a connection with the host at a configured address from now on. Idempotent. */
  add(address: PeerAddress): void {
    const key = formatAddress(address);
    if (this.#closed || this.#links.has(key)) return;
    this.#link(address, PEER_BACKOFF);
  }

  /**
   * An announcement from the IP address `sender` named this address, which may be invented: it is
   * tried at growing intervals, within the budget of discovery.
   */
  discovered(address: PeerAddress, sender: string): void {
    const key = formatAddress(address);
    if (this.#closed || (this.#links.has(key) && !this.#discovered.has(key))) return;
    const { accepted, dropped } = this.#discovered.announced(key, sender);
    for (const old of dropped) {
      void this.#links.get(old)?.close();
      this.#links.delete(old);
    }
    if (accepted && !this.#links.has(key)) this.#link(address, DISCOVERED_BACKOFF);
  }

  /**
   * See host.introduce: the other host has connected, from `remoteAddress`. Throws REFUSED for a
   * name that another host has.
   */
  introduced(
    session: HostSession,
    host: HostIntroduction,
    remoteAddress: string,
  ): { host: HostIntroduction; accepted: boolean } {
    const self = this.#introduction();
    if (host.instance === self.instance) return { host: self, accepted: false };
    const accepted = this.#use({ session, host, caller: host.name, address: remoteAddress });
    return { host: self, accepted };
  }

  /** Whether the other end has introduced itself, and the two hosts use this connection. */
  isIntroduced(session: HostSession): boolean {
    return this.#find(session) !== undefined;
  }

  /** The host at the other end of a connection in use. Throws REFUSED. */
  nameOf(session: HostSession): string {
    return this.#peerOf(session).name;
  }

  /** See host.running: what runs on the host at the other end. Throws REFUSED. */
  setRunning(session: HostSession, applications: readonly string[]): void {
    const peer = this.#peerOf(session);
    const known = [...peer.running].toSorted().join(' ');
    if (known === applications.toSorted().join(' ')) return;
    peer.running = new Set(applications);
    this.emit('changed');
  }

  /** Sends all other hosts what runs here now. */
  announce(): void {
    for (const peer of this.#connected.values()) peer.sendSign();
  }

  /** The connected hosts, in the order of their names. */
  list(): Peer[] {
    return [...this.#connected.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Hosts that were connected or stand in the configuration, and are not connected. */
  unreachable(): UnreachablePeer[] {
    const reached = new Set([...this.#addresses.values()].map(formatAddress));
    const never = [...this.#links.values()]
      .filter(({ address, cause }) => cause !== undefined && !reached.has(formatAddress(address)))
      .map(({ address, cause, code }) => ({
        name: undefined,
        address: formatAddress(address),
        since: undefined,
        cause: cause ?? '',
        code,
      }));
    return [...[...this.#lost.values()].map((lost) => this.#withLatest(lost)), ...never];
  }

  /** A lost host with the cause of the last attempt to connect with it again. */
  #withLatest(lost: UnreachablePeer): UnreachablePeer {
    const address = this.#addresses.get(lost.name ?? '');
    const link = address === undefined ? undefined : this.#links.get(formatAddress(address));
    return link?.cause === undefined ? lost : { ...lost, cause: link.cause, code: link.code };
  }

  /**
   * A connected host. Throws UNKNOWN_HOST with the names that exist, TRANSPORT_ERROR for a host
   * that was lost.
   */
  peer(name: string): Peer {
    const peer = this.#connected.get(name);
    if (peer !== undefined) return peer;
    const lost = this.#lost.get(name);
    if (lost !== undefined) {
      throw new MirrorflowError('TRANSPORT_ERROR', `host ${name} is unreachable: ${lost.cause}`, {
        host: name,
      });
    }
    const names = [this.#options.self.name, ...this.list().map((other) => other.name)].join(', ');
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
    const sessions = [...this.#connected.values()].map(({ session }) => session.close());
    await Promise.all([...links, ...sessions]);
    this.removeAllListeners();
  }

  #link(address: PeerAddress, backoff: BackoffLimits): void {
    const { clock, log } = this.#options;
    const connect = (to: PeerAddress, signal: AbortSignal): Promise<HostSession> => this.#connect(to, signal);
    const introduce = (session: HostSession): Promise<Introduced> => this.#introduce(session, address);
    this.#links.set(
      formatAddress(address),
      new PeerLink({ address, connect, introduce, backoff, clock, log }),
    );
  }

  #find(session: HostSession): ConnectedPeer | undefined {
    return [...this.#connected.values()].find((known) => known.session === session);
  }

  #peerOf(session: HostSession): ConnectedPeer {
    const peer = this.#find(session);
    if (peer !== undefined) return peer;
    throw new MirrorflowError('REFUSED', 'this connection is not the one that the two hosts use');
  }

  #connect(address: PeerAddress, signal: AbortSignal): Promise<HostSession> {
    const { security, session } = this.#options;
    const { secret, trust, identity } = security;
    if (secret === undefined) throw new MirrorflowError('BAD_OPTION', 'hosts need a shared secret');
    return connectControl(address, { secret, trust, identity }, { ...session(address.host), signal });
  }

  async #introduce(session: HostSession, address: PeerAddress): Promise<Introduced> {
    const self = this.#introduction();
    const call = callerOf(CONTRACT, session);
    const { host, accepted } = await call('host.introduce', [self], { timeoutMs: INTRODUCTION_TIMEOUT_MS });
    if (host.instance === self.instance) return { kind: 'self' };
    this.#setAddress(host.name, address);
    this.#discovered.proved(formatAddress(address));
    if (accepted && this.#use({ session, host, caller: self.name, address: address.host })) {
      return { kind: 'used', ended: session.closed };
    }
    const used = this.#connected.get(host.name)?.session.closed;
    return { kind: 'spare', ended: used ?? Promise.resolve() };
  }

  /** A configured address replaces the one that a host called from: certificates are for names. */
  #setAddress(name: string, address: PeerAddress): void {
    this.#addresses.set(name, address);
    const peer = this.#connected.get(name);
    if (peer === undefined || peer.address === address.host) return;
    peer.address = address.host;
    this.emit('changed');
  }

  /** Whether the new connection is the one that the two hosts use. Throws REFUSED. */
  #use({ session, host, caller, address }: Omit<PeerConnection, 'since'>): boolean {
    const { self, log, running, clock } = this.#options;
    if (host.name === self.name) throw nameTaken(host.name, 'this host');
    const present = this.#connected.get(host.name);
    if (present !== undefined) {
      const choice = choose(self.name, host.name, present, { caller, instance: host.instance });
      if (choice === 'conflict') {
        // The present host may have crashed without closing its connection: an unanswered sign of
        // life then frees the name for the next attempt.
        present.sendSign();
        throw nameTaken(host.name, `the host at ${present.address}`);
      }
      if (choice === 'present') return false;
    }
    const reachedAt = this.#addresses.get(host.name)?.host ?? address;
    const since = present?.since ?? new Date();
    const peer = new ConnectedPeer({ session, host, caller, address: reachedAt, since }, running, clock);
    this.#connected.set(host.name, peer);
    this.#lost.delete(host.name);
    session.once('close', (reason) => this.#onClosed(peer, reason));
    if (present === undefined) log.info('connected with another host', { host: host.name, address });
    else {
      present.stop();
      void present.session.close();
    }
    this.emit('changed');
    return true;
  }

  #introduction(): HostIntroduction {
    return { ...this.#options.self, running: this.#options.running() };
  }

  #onClosed(peer: ConnectedPeer, reason: MirrorflowError | undefined): void {
    peer.stop();
    const { name } = peer;
    if (this.#connected.get(name) !== peer) return;
    this.#connected.delete(name);
    if (this.#closed) return;
    const { message: cause, code } =
      reason ?? new MirrorflowError('TRANSPORT_ERROR', 'the connection was closed');
    if (this.#lost.size >= REMEMBERED_MAX) this.#lost.delete([...this.#lost.keys()][0] ?? '');
    const configured = this.#addresses.get(name);
    const address = configured === undefined ? peer.address : formatAddress(configured);
    this.#lost.set(name, { name, address, since: new Date(), cause, code });
    this.#options.log.warn('the connection with another host was lost', { host: name, cause });
    this.emit('changed');
  }
}

function nameTaken(name: string, owner: string): MirrorflowError {
  return new MirrorflowError(
    'REFUSED',
    `${owner} is named ${name} already; names of hosts are unique: start one of them with --host-name`,
    { host: name },
  );
}
