/**
 * The flows that a client has open at its app server: each under one handle however often it is
 * reattached, opened again at a restarted app server, and reattached when its duplicator (the
 * process that owns the flow's file) was replaced. Used by the client, its flows and its mirrors.
 * Calls the app server; does not know how flows are read or written.
 */
import type { ClientReport } from '../../protocol/rpc/contract/statistics.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { OpenRequest, OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { systemClock } from '../../protocol/base/clock.js';
import { Backoff } from '../../protocol/base/backoff.js';
import { MirrorflowError, isMirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { clientLog } from '../client-log.js';

/** A status change of a flow or mirror that this client has open. */
export interface FlowStatus {
  /** Name of the flow. */
  readonly flow: string;
  /** `input` for a consumer, `output` for a provider. */
  readonly direction: 'input' | 'output';
  /**
   * `live`: its source or provider is attached. `stale`: its source, provider or duplicator is
   * unreachable, nothing newer can be read. `reattached`: it has a new duplicator; `live` or
   * `stale` follows. `ended`: no more data will come; the last status.
   */
  readonly status: 'live' | 'stale' | 'reattached' | 'ended';
}

type ReportedFlow = ClientReport['flows'][number];

/** What the record of openings needs of a flow that is attached. */
export interface AttachedFlow {
  /** Counts for `client.report`. */
  counts(): Omit<ReportedFlow, 'handle' | 'flow' | 'direction'>;
  /** The flow has this session and handle at the app server from now on. */
  identify(identity: { readonly session: string; readonly handle: number }): void;
}

/** Attaches a flow or mirror to another duplicator's files and link. */
export type Reattach = (opened: OpenedFlow) => Promise<void>;

/** The client that owns the openings. */
export interface OpeningsOwner {
  readonly app: string;
  readonly call: CallOf<MirrorflowContract>;
  /** Token of the present session. */
  readonly token: () => string;
  readonly connected: () => boolean;
  /** The client was closed: nothing is opened any more. */
  readonly closing: () => boolean;
  /** All flows were closed too. */
  readonly closed: () => boolean;
  /** Resolves when the app server is connected again, after `delayMs` at the latest. */
  readonly reconnectedWithin: (delayMs: number) => Promise<void>;
  readonly onStatus: (status: FlowStatus) => void;
}

interface Opening {
  readonly request: OpenRequest;
  handle: number;
  /**
   * Number of the client on the flow's signal link: its own number for mirrors, else the handle.
   */
  readonly link: number;
  attached?: AttachedFlow;
  /** The link has ended; `recover` is about to reattach the flow. */
  isDetached?: boolean;
}

/** The app server answers earlier, with the cause. */
const OPEN_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs + 1_000;
/** Longest pause between two attempts to reattach. */
const REATTACH_BACKOFF = { firstMs: LIMITS.reconnectFirstMs, maxMs: 500 };
/**
 * Attempts, about half a minute, that may fail because the flow does not exist any more or has
 * changed; then it has ended.
 */
const REATTACH_REFUSALS_MAX = 60;
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNKNOWN_FLOW',
  'WRONG_FLOW_TYPE',
  'NOT_A_MIRROR',
  'TOO_LARGE',
  'REFUSED',
  'FLOW_BUSY',
]);

/**
 * For so long a flow that is opened is tried again while a server or its duplicator restarts. A
 * killed one runs again within a second; one that is restarted on request ends first.
 */
const RESTART_MS = 10_000;
/** What an opening meets while a server or a duplicator restarts, or replaces damaged files. */
const RESTARTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CLOSED',
  'TRANSPORT_ERROR',
  'UNKNOWN_SESSION',
  'STOPPED',
  'NOT_RUNNING',
  'FILE_CORRUPT',
]);

export class Openings {
  readonly #owner: OpeningsOwner;
  /** By a key of the opener. */
  readonly #openings = new Map<object, Opening>();

  constructor(owner: OpeningsOwner) {
    this.#owner = owner;
  }

  /**
   * Opens a flow at the app server, or opens it again under the handle it has. Throws CLOSED when
   * the client or the opening was closed meanwhile, and what `flow.open` answers.
   */
  async open(key: object, request: OpenRequest): Promise<OpenedFlow> {
    const { app, call, closed, closing, token } = this.#owner;
    const before = this.#openings.get(key);
    if (closed() || (closing() && before === undefined))
      throw new MirrorflowError('CLOSED', `this client of ${app} is closed`, { app });
    const withHandle = before === undefined ? request : { ...request, handle: before.handle };
    const opened = await call('flow.open', [token(), withHandle], { timeoutMs: OPEN_TIMEOUT_MS });
    if (before !== undefined && !this.#openings.has(key)) {
      await call('flow.close', [token(), opened.handle]).catch(() => undefined);
      const { flow } = request;
      throw new MirrorflowError('CLOSED', `the flow ${flow} was closed while it reattached`, { flow });
    }
    const { handle } = opened;
    const attached = before?.attached;
    const link = request.link ?? handle;
    this.#openings.set(key, { request, handle, link, ...(attached === undefined ? {} : { attached }) });
    attached?.identify({ session: token(), handle });
    return opened;
  }

  /**
   * Opens a flow and attaches it; again, for RESTART_MS at most, while a server or the duplicator
   * restarts. Throws what `open` and `attach` throw; nothing stays open then.
   */
  async openAndAttach<T>(
    key: object,
    request: OpenRequest,
    attach: (opened: OpenedFlow) => Promise<T>,
  ): Promise<T> {
    const backoff = new Backoff(REATTACH_BACKOFF);
    const deadlineMs = systemClock.nowMs() + RESTART_MS;
    for (;;) {
      try {
        return await attach(await this.open(key, request));
      } catch (error) {
        const mayPass = isRestart(error) && systemClock.nowMs() < deadlineMs;
        if (!mayPass || this.#owner.closing()) {
          await this.close(key);
          throw error;
        }
        clientLog.debug('a flow is not open yet', { flow: request.flow, error });
        const opening = this.#openings.get(key);
        if (opening !== undefined) opening.isDetached = true;
        await this.#owner.reconnectedWithin(backoff.next());
      }
    }
  }

  /** The opening is attached: its counts are reported, changes of its handle are passed on. */
  attach(key: object, attached: AttachedFlow): void {
    const opening = this.#openings.get(key);
    if (opening !== undefined) opening.attached = attached;
  }

  async close(key: object): Promise<void> {
    const { call, connected, token } = this.#owner;
    const opening = this.#openings.get(key);
    this.#openings.delete(key);
    if (opening === undefined || !connected()) return;
    await call('flow.close', [token(), opening.handle]).catch(() => undefined);
  }

  /**
   * The link to the duplicator has ended: opens the flow again, which starts another duplicator,
   * and reattaches; repeated until it succeeds, the opening is closed, or the flow has ended.
   */
  async recover(
    key: object,
    request: OpenRequest,
    reattach: Reattach,
    on: { readonly reattached?: () => void; readonly ended: () => void },
  ): Promise<void> {
    const opening = this.#openings.get(key);
    if (opening === undefined || opening.isDetached === true) return;
    opening.isDetached = true;
    const backoff = new Backoff(REATTACH_BACKOFF);
    let refusals = 0;
    let closingSinceMs: number | undefined;
    while (refusals < REATTACH_REFUSALS_MAX) {
      if (this.#owner.closed() || !this.#openings.has(key)) return;
      // Buffers that wait in a flow keep its client from closing: for a bounded time.
      if (this.#owner.closing()) closingSinceMs ??= systemClock.nowMs();
      if (systemClock.nowMs() - (closingSinceMs ?? Number.POSITIVE_INFINITY) >= RESTART_MS) break;
      try {
        await reattach(await this.open(key, request));
        on.reattached?.();
        return;
      } catch (error) {
        clientLog.debug('a flow is not reattached yet', { flow: request.flow, error });
        if (isMirrorflowError(error) && error.facts['reopen'] === true) break;
        if (isMirrorflowError(error) && REFUSALS.has(error.code)) refusals += 1;
        await this.#owner.reconnectedWithin(backoff.next());
        const current = this.#openings.get(key);
        if (current !== undefined) current.isDetached = true;
      }
    }
    on.ended();
  }

  /** Notifies the client of the status of one flow, when it differs from the one before. */
  statusNotifier({ flow, direction }: OpenRequest): (status: FlowStatus['status']) => void {
    let last: FlowStatus['status'] | undefined;
    return (status) => {
      if (status === last || last === 'ended') return;
      last = status;
      this.#owner.onStatus({ flow, direction, status });
    };
  }

  /**
   * Opens everything again at a new session. Detached flows are left to `recover`.
   */
  async reopenAll(session: RpcSession, token: string): Promise<void> {
    const attached = [...this.#openings.values()].filter(({ isDetached }) => isDetached !== true);
    await Promise.all(attached.map((opening) => this.#reopen(opening, token, session)));
  }

  /** The answer to `client.report`. */
  report(): ClientReport {
    const flows: ReportedFlow[] = [];
    for (const { handle, request, attached } of this.#openings.values()) {
      if (attached === undefined) continue;
      const { flow, direction } = request;
      flows.push({ handle, flow, direction, ...attached.counts() });
    }
    return { flows };
  }

  /** Only the new app server lacks the flow: its data keep moving over the link. */
  async #reopen(opening: Opening, token: string, session: RpcSession): Promise<void> {
    try {
      const request = { ...opening.request, link: opening.link };
      const opened = await callerOf(CONTRACT, session)('flow.open', [token, request], {
        timeoutMs: OPEN_TIMEOUT_MS,
      });
      opening.handle = opened.handle;
      opening.attached?.identify({ session: token, handle: opening.handle });
    } catch (error) {
      // One flow that cannot be opened must not keep the client from its other flows.
      if (session.state !== 'open') throw error;
      clientLog.warn('a flow could not be opened at the new app server', {
        flow: opening.request.flow,
        error,
      });
    }
  }
}

/** A missing file of a flow that was found is one that its duplicator is about to put back. */
function isRestart(error: unknown): boolean {
  if (!isMirrorflowError(error)) return false;
  const isMissing = error.code === 'UNKNOWN_FLOW' || error.code === 'NOT_A_MIRROR';
  return RESTARTS.has(error.code) || (isMissing && 'path' in error.facts);
}
