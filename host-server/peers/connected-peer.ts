/**
 * Another host while it is connected: its name, address and applications, and the signs of life
 * that this host sends over the connection. Created by `peers.ts` for the one connection that the
 * two hosts use; destroys that connection when a sign of life is not answered.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import type { HostIntroduction } from '../../protocol/rpc/contract/hosts.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { HostSession } from '../control/call-origin.js';
import type { Candidate } from './preference.js';

/** Time between two signs of life. */
const SIGN_OF_LIFE_INTERVAL_MS = 2_000;
/** Time in which a sign of life must be answered; then the connection counts as cut. */
const SIGN_OF_LIFE_TIMEOUT_MS = 8_000;

/** What other rooms may see of a connected host. */
export interface Peer {
  readonly name: string;
  /** Version of the package. */
  readonly version: string;
  /** The configured name or IP address, otherwise the one that the host connected from. */
  readonly address: string;
  readonly since: Date;
  readonly call: CallOf<MirrorflowContract>;
  /** Names of the applications that run there. */
  readonly running: ReadonlySet<string>;
}

export interface PeerConnection {
  readonly session: HostSession;
  readonly host: HostIntroduction;
  /** Name of the host that has made the connection. */
  readonly caller: string;
  readonly address: string;
  readonly since: Date;
}

export class ConnectedPeer implements Peer, Candidate {
  readonly name: string;
  readonly version: string;
  readonly instance: string;
  readonly caller: string;
  readonly since: Date;
  readonly session: HostSession;
  readonly call: CallOf<MirrorflowContract>;
  address: string;
  running: ReadonlySet<string>;
  readonly #ownRunning: () => string[];
  readonly #clock: Clock;
  #cancel: () => void;

  /** `ownRunning`: names of the applications that run on this host. */
  constructor(connection: PeerConnection, ownRunning: () => string[], clock: Clock) {
    const { session, host, caller, address, since } = connection;
    this.name = host.name;
    this.version = host.version;
    this.instance = host.instance;
    this.caller = caller;
    this.since = since;
    this.session = session;
    this.call = callerOf(CONTRACT, session);
    this.address = address;
    this.running = new Set(host.running);
    this.#ownRunning = ownRunning;
    this.#clock = clock;
    this.#cancel = clock.after(SIGN_OF_LIFE_INTERVAL_MS, () => this.sendSign(), true);
  }

  /** Sends a sign of life now, with the applications that run here, and at intervals after it. */
  sendSign(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(SIGN_OF_LIFE_INTERVAL_MS, () => this.sendSign(), true);
    this.call('host.running', [this.#ownRunning()], { timeoutMs: SIGN_OF_LIFE_TIMEOUT_MS }).catch(
      (error: unknown) => {
        // A refusal is an answer: just after the introduction the other host may have chosen the
        // other connection.
        if (error instanceof MirrorflowError && error.code !== 'TIMED_OUT') return;
        const message = `no sign of life within ${SIGN_OF_LIFE_TIMEOUT_MS} ms: ${describeError(error)}`;
        this.session.destroy(new MirrorflowError('TRANSPORT_ERROR', message));
      },
    );
  }

  /** Sends no more signs of life; the session is the owner's to close. */
  stop(): void {
    this.#cancel();
  }
}
