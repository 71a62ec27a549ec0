/**
 * A child that continues when its parent dies and is adopted by the next one: the gateway and the
 * recorder of an application, the NATS process of a host. What they have in common around the one
 * supervisor: a predecessor that is found by its record, the check of what reports, adoption, and
 * the end. The app server makes one for its gateway and its recorder (`application-child.ts`), the
 * host server one in `nats-process.ts`. Starts and stops processes.
 */
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { OwnerIdentity } from '../../base/owner-identity.js';
import { PROTOCOL_VERSION } from '../../base/version.js';
import { identityFromWire } from '../../rpc/contract/identity-on-wire.js';
import type { ProcessIdentity } from '../../rpc/contract/process-identity.js';
import type { StartFailure } from '../../rpc/contract/shapes.js';
import { AdoptedProcess } from './adopted-process.js';
import type { Child } from './child.js';
import { stopForeign } from './foreign-process.js';
import { errorOfStartFailure } from './start-report.js';
import type { ProcessConnection } from './supervised-process.js';
import type { SupervisionState } from './supervision-state.js';
import { Supervisor } from './supervisor.js';
import type { NextStep, SupervisedEnd } from './supervisor-options.js';

/**
 * A living child of an earlier parent connects within this time, or is replaced: it tries four
 * times a second.
 */
const PREDECESSOR_CONNECTS_WITHIN_MS = 2_000;
/** An adopted child that lost its connection connects again within this time, or is stopped. */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;

/** What such a child reports when it is ready. */
export interface AdoptableReady {
  readonly launch?: string;
  readonly version: number;
  readonly identity: ProcessIdentity;
}

/** Words for messages: `the recorder of e1`, `this app server`. */
export interface AdoptableNames {
  readonly title: string;
  readonly parent: string;
  /** Why a child is refused that does not belong to this parent, or has other options. */
  readonly refusal: string;
}

export interface AdoptableOptions<Ready extends AdoptableReady> {
  readonly names: AdoptableNames;
  readonly clock: Clock;
  /** Whether there shall be one; a predecessor that is not wanted any more is stopped. */
  readonly isWanted: boolean;
  /** The child of an earlier parent, by its record. */
  readonly living: () => OwnerIdentity | undefined;
  readonly launch: () => Child<Ready>;
  /** Whether a child that reports belongs to this parent at all. */
  readonly belongs: (ready: Ready) => boolean;
  /** Whether a child of an earlier parent runs with the options of this one. */
  readonly hasOurOptions: (ready: Ready) => boolean;
  /** It could not start, or has died; it is started again, unless that happened too often. */
  readonly failed: (cause: Error) => void;
  readonly changed: (state: SupervisionState) => void;
}

const STATES = {
  idle: 'starting',
  starting: 'starting',
  expecting: 'starting',
  running: 'running',
  stopping: 'starting',
  delayed: 'starting',
  failed: 'failed',
  closed: 'stopped',
} as const satisfies Readonly<Record<SupervisionState, string>>;

export class AdoptableProcess<Ready extends AdoptableReady> {
  readonly supervisor: Supervisor<Ready>;
  readonly #options: AdoptableOptions<Ready>;

  constructor(options: AdoptableOptions<Ready>) {
    const { names, clock, living, launch, changed } = options;
    const { title } = names;
    this.#options = options;
    this.supervisor = new Supervisor({
      title,
      clock,
      launch,
      decide: (end) => this.#decide(end),
      changed,
      predecessor: {
        pid: () => living()?.pid,
        stop: () => this.#stopLiving(),
        connectsWithinMs: PREDECESSOR_CONNECTS_WITHIN_MS,
        lateError: (pid) => new MirrorflowError('TIMED_OUT', `${title} (process ${pid}) is replaced`),
      },
    });
  }

  /** As reported to programs. */
  get state(): (typeof STATES)[SupervisionState] {
    return STATES[this.supervisor.state];
  }

  /** Why it does not run, cut to the length that is reported. */
  get cause(): string | undefined {
    return this.supervisor.cause?.message.slice(0, LIMITS.causeCharacters);
  }

  /** Starts it, or expects a living one. Call when sessions are accepted. */
  start(): void {
    if (this.#options.isWanted || this.#options.living() !== undefined) this.supervisor.start();
  }

  /** It reports that it is ready. Throws VERSION_MISMATCH or REFUSED, which ends it. */
  subscribe(ready: Ready, connection: ProcessConnection): { adopted: boolean } {
    const { names, clock, belongs, hasOurOptions } = this.#options;
    const { title, parent, refusal } = names;
    if (ready.version !== PROTOCOL_VERSION) {
      const message = `${title} speaks version ${ready.version}, ${parent} ${PROTOCOL_VERSION}`;
      throw new MirrorflowError('VERSION_MISMATCH', message);
    }
    const isOurs = belongs(ready);
    if (isOurs && this.supervisor.report(ready.identity.pid, ready.launch, ready, connection)) {
      return { adopted: false };
    }
    if (!isOurs || !hasOurOptions(ready)) throw new MirrorflowError('REFUSED', refusal);
    const process = new AdoptedProcess({
      identity: identityFromWire(ready.identity),
      clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
    });
    this.supervisor.adopt(process, ready, connection);
    return { adopted: true };
  }

  /** It reports why it cannot start. False when the token is not of this child's start. */
  startFailed(failure: StartFailure): boolean {
    return this.supervisor.startFailed(failure.launch, errorOfStartFailure(failure));
  }

  /** Stops it, also one that has not reported; resolves when it has ended. Idempotent. */
  async close(): Promise<void> {
    await this.supervisor.close();
    await this.#stopLiving();
  }

  #decide(end: SupervisedEnd): NextStep {
    switch (end.kind) {
      case 'predecessor-late':
        return 'replace';
      case 'predecessor-ended':
      case 'stopped':
        return this.#options.isWanted ? 'start' : 'rest';
      case 'start-failed':
      case 'died':
        this.#options.failed(end.cause);
        return 'retry';
      default:
        return end satisfies never;
    }
  }

  async #stopLiving(): Promise<void> {
    const living = this.#options.living();
    if (living !== undefined) await stopForeign(living, this.#options.clock);
  }
}
