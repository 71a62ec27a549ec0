/**
 * What a client has open at its app server: asked for under one handle however often it is attached
 * again, asked for again when the app server was restarted, and brought back when its duplicator
 * died. Knows flows by their requests and handles, not how they are read or written.
 */
import type { ClientReport } from '../../protocol/rpc/contract/figures.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { OpenRequest, OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError, isMirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { InputFlow } from '../input/input-flow.js';
import { clientLog } from './locate.js';
import { OutputFlow } from '../output/output-flow.js';

/** What became of a flow that this client has open. */
export interface FlowStatus {
  readonly flow: string;
  readonly direction: 'input' | 'output';
  /**
   * `live`: its source or provider is there. `stale`: what was read is the last there is, its
   * source, provider or duplicator being away. `reattached`: it goes on with a new duplicator;
   * `live` or `stale` follows. `ended`: nothing more will come, once.
   */
  readonly status: 'live' | 'stale' | 'reattached' | 'ended';
}

/** What can go on with another duplicator's files. */
export interface Reattachable {
  reattach(opened: OpenedFlow): Promise<void>;
}

/** The client that has the flows open, as far as they need it. */
export interface OpeningsOwner {
  readonly app: string;
  readonly call: CallOf<MirrorflowContract>;
  /** The session's token now. */
  readonly token: () => string;
  readonly connected: () => boolean;
  readonly closed: () => boolean;
  /** Resolves when the app server is back, at the latest after a while. */
  readonly reconnectedWithin: (delayMs: number) => Promise<void>;
  readonly told: (status: FlowStatus) => void;
}

/**
 * `link` is what the flow's signal link was greeted with: a number of the client's own, else the
 * handle.
 */
interface OpenOne {
  readonly request: OpenRequest;
  handle: number;
  readonly link: number;
  flow?: InputFlow | OutputFlow;
  /** Its duplicator has gone, and another one is awaited. */
  detached?: boolean;
}

/** The app server answers before that, with the cause. */
const OPEN_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs + 1_000;
/** Longest pause between two attempts to attach again after a duplicator died. */
const REATTACH_DELAY_MAX_MS = 500;
/**
 * Attempts, some half a minute, that may be answered with an error that says that the flow is no
 * more what it was; then it has ended.
 */
const REATTACH_REFUSALS = 60;
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UNKNOWN_FLOW',
  'WRONG_FLOW_TYPE',
  'NOT_A_MIRROR',
  'TOO_LARGE',
  'REFUSED',
  'FLOW_BUSY',
]);

export class Openings {
  readonly #owner: OpeningsOwner;
  /** By a key of the opener's, to be opened again by whatever session comes next. */
  readonly #open = new Map<object, OpenOne>();

  constructor(owner: OpeningsOwner) {
    this.#owner = owner;
  }

  /**
   * A flow that is open already is asked for under its handle: it stays one opening, however often
   * it is attached again.
   */
  async open(key: object, request: OpenRequest): Promise<OpenedFlow> {
    const { app, call, closed, token } = this.#owner;
    if (closed()) throw new MirrorflowError('CLOSED', `this client of ${app} is closed`, { app });
    const before = this.#open.get(key);
    const asked = before === undefined ? request : { ...request, handle: before.handle };
    const opened = await call('flow.open', [token(), asked], { timeoutMs: OPEN_TIMEOUT_MS });
    if (before !== undefined && !this.#open.has(key)) {
      await call('flow.close', [token(), opened.handle]).catch(() => undefined);
      const { flow } = request;
      throw new MirrorflowError('CLOSED', `the flow ${flow} was closed meanwhile`, { flow });
    }
    const { handle } = opened;
    const flow = before?.flow;
    const link = request.link ?? handle;
    this.#open.set(key, { request, handle, link, ...(flow === undefined ? {} : { flow }) });
    if (flow instanceof InputFlow) flow.identify({ session: token(), handle });
    return opened;
  }

  /**
   * The flow that an opening serves: its counts are reported, and it learns the handle it goes by.
   */
  serves(key: object, flow: InputFlow | OutputFlow): void {
    const open = this.#open.get(key);
    if (open !== undefined) open.flow = flow;
  }

  async close(key: object): Promise<void> {
    const { call, connected, token } = this.#owner;
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open === undefined || !connected()) return;
    await call('flow.close', [token(), open.handle]).catch(() => undefined);
  }

  /**
   * The duplicator has gone: opens the flow again, which starts another one, and attaches to it,
   * for as long as the flow is not closed here and may still come back.
   */
  async recover(
    key: object,
    request: OpenRequest,
    flow: Reattachable,
    outcome: { readonly reattached: () => void; readonly ended: () => void },
  ): Promise<void> {
    const open = this.#open.get(key);
    if (open === undefined || open.detached === true) return;
    open.detached = true;
    for (let attempt = 0, refusals = 0; refusals < REATTACH_REFUSALS; attempt += 1) {
      if (this.#owner.closed() || !this.#open.has(key)) return;
      try {
        await flow.reattach(await this.open(key, request));
        outcome.reattached();
        return;
      } catch (error) {
        clientLog.debug('not attached again yet', { flow: request.flow, error });
        if (isMirrorflowError(error) && REFUSALS.has(error.code)) refusals += 1;
        const delayMs = Math.min(LIMITS.reconnectFirstMs * 2 ** attempt, REATTACH_DELAY_MAX_MS);
        await this.#owner.reconnectedWithin(delayMs);
        const still = this.#open.get(key);
        if (still !== undefined) still.detached = true;
      }
    }
    outcome.ended();
  }

  /** Tells the status of a flow when it is another one. */
  teller({ flow, direction }: OpenRequest): (status: FlowStatus['status']) => void {
    let last: FlowStatus['status'] | undefined;
    return (status) => {
      if (status === last || last === 'ended') return;
      last = status;
      this.#owner.told({ flow, direction, status });
    };
  }

  /**
   * Tells a new session what is open. Flows whose duplicator is awaited are opened when it is
   * there.
   */
  async openAgain(session: RpcSession, token: string): Promise<void> {
    const attached = [...this.#open.values()].filter(({ detached }) => detached !== true);
    await Promise.all(attached.map((open) => this.#openAgain(open, token, session)));
  }

  /** What client.statistics answers. */
  report(): ClientReport {
    const flows: ClientReport['flows'] = [];
    for (const { handle, request, flow: open } of this.#open.values()) {
      const { flow, direction } = request;
      if (open instanceof OutputFlow) {
        flows.push({ handle, flow, direction, ...open.written, lost: open.lost, queued: open.queued });
      } else if (open !== undefined) {
        const { taken, lost, ready, capacity, delivery, paused } = open;
        flows.push({ handle, flow, direction, ...taken, lost, ready, capacity, delivery, paused });
      }
    }
    return { flows };
  }

  /**
   * The flow itself goes on over its link; this tells a new app server that somebody has it open.
   */
  async #openAgain(open: OpenOne, token: string, session: RpcSession): Promise<void> {
    try {
      const request = { ...open.request, link: open.link };
      const opened = await callerOf(CONTRACT, session)('flow.open', [token, request], {
        timeoutMs: OPEN_TIMEOUT_MS,
      });
      open.handle = opened.handle;
      if (open.flow instanceof InputFlow) open.flow.identify({ session: token, handle: open.handle });
    } catch (error) {
      // One flow that cannot be opened must not keep the client from its app server, nor from its
      // other flows.
      if (session.state !== 'open') throw error;
      clientLog.warn('a flow is not known to the new app server', { flow: open.request.flow, error });
    }
  }
}
