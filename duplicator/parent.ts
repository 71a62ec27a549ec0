/**
 * The duplicator's permanent XML-RPC connection to its parent, the app server that started it:
 * announces that the flow is ready, reports its state, asks whether it may end, and serves the app
 * server's requests. It reconnects when the app server was restarted. Made by the duplicator
 * program while the flow starts, so that the announcement goes out at once. Opens one socket
 * connection.
 */
import type { DuplicatorStatistics } from '../protocol/rpc/contract/statistics.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type {
  DuplicatorReady,
  DuplicatorReport,
  ServeRequest,
  ServeResult,
} from '../protocol/rpc/contract/shapes.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { proveChild } from '../protocol/host/process-kit/prove-child.js';
import type { ParentServer } from '../protocol/host/process-kit/start-report.js';
import { callerOf, type CallOf } from '../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../protocol/rpc/xml-rpc/permanent-connection.js';

export { reportFailedStart } from '../protocol/host/process-kit/start-report.js';

/** Stalled consumers that are kept for the report to an unreachable app server. */
const DEMOTED_MAX = 64;
/** Longest wait for the answer to the last report before a replacement, milliseconds. */
const REPLACED_MS = 300;

/**
 * What the duplicator program provides: data to report, and actions that the app server requests.
 */
export interface ParentHooks {
  /** Resolves when the flow has started, or never. */
  readonly started: Promise<void>;
  ready(): DuplicatorReady;
  report(): DuplicatorReport;
  statistics(): DuplicatorStatistics;
  serve(request: ServeRequest): Promise<ServeResult>;
  /**
   * `source`: address of the duplicator to receive from. Returns false unless another host fills
   * the flow.
   */
  redirect(source: string): boolean;
  quit(): void;
  /** So many consumers have the flow open, according to an app server that saw it before. */
  consumers(count: number): void;
}

export class Parent {
  readonly #connection: PermanentConnection;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #hooks: ParentHooks;
  readonly #log: Logger;
  readonly #demoted: number[] = [];
  /** The state has changed since the last report could be sent. */
  #isReportDue = false;
  #wasConnected = false;
  /** Resolves when the first attempt to reach the app server has succeeded or failed. */
  readonly #firstAttempt: Promise<void>;

  constructor({ socket, childToken }: ParentServer, hooks: ParentHooks, log: Logger) {
    this.#hooks = hooks;
    this.#log = log;
    const dispatcher = new Dispatcher<MirrorflowContract, undefined>(
      CONTRACT,
      {
        'duplicator.statistics': () => hooks.statistics(),
        'duplicator.serve': ([request]) => hooks.serve(request),
        'duplicator.redirect': ([source]) => hooks.redirect(source),
        'duplicator.quit': () => {
          // After the answer was sent.
          setImmediate(() => hooks.quit());
          return true;
        },
      },
      // Only the app server calls on the connection that this process has opened to it.
      { log, granted: () => 'child' },
    );
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        dispatcher,
        context: () => undefined,
        log,
        onConnected: async (session) => {
          const call = callerOf(CONTRACT, session);
          await hooks.started;
          await proveChild(session, childToken);
          const { consumers } = await call('duplicator.subscribe', [hooks.ready()]);
          if (consumers !== undefined) hooks.consumers(consumers);
          this.#isReportDue = false;
          await call('duplicator.report', [hooks.report()]);
        },
      },
    );
    this.#call = callerOf(CONTRACT, this.#connection);
    this.#firstAttempt = new Promise((resolve) => {
      this.#connection.once('connected', () => resolve());
      this.#connection.once('failed', () => resolve());
    });
    this.#connection.on('failed', (error) => this.#endIfRefused(error));
    this.#connection.on('lost', () => log.warn('lost the app server; the flow continues'));
    this.#connection.on('connected', () => {
      this.#wasConnected = true;
      log.debug('connected to the app server');
      // What has changed since the report of the presentation was made.
      if (this.#isReportDue) this.report();
      void this.#sendDemoted(this.#call);
    });
  }

  /** Whether the app server was ever reached. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  start(): void {
    this.#connection.start();
  }

  /**
   * Reports the flow's present state; while the app server is unreachable, as soon as it has
   * reconnected.
   */
  report(): void {
    this.#isReportDue = this.#connection.state !== 'connected';
    if (this.#isReportDue) return;
    this.#call('duplicator.report', [this.#hooks.report()]).catch((error: unknown) => {
      this.#log.debug('a report was lost', { error });
    });
  }

  /**
   * Reports that this duplicator ends for a new one to take its place. Resolves when the app server
   * knows it, or has not answered for REPLACED_MS; never rejects.
   */
  async replaced(): Promise<void> {
    if (this.#connection.state !== 'connected') return;
    try {
      const report = { ...this.#hooks.report(), replaced: true as const };
      await this.#call('duplicator.report', [report], { timeoutMs: REPLACED_MS });
    } catch (error) {
      this.#log.debug('the app server does not know of the replacement', { error });
    }
  }

  /**
   * Reports a client that became lossy; up to DEMOTED_MAX are kept while the app server is
   * unreachable.
   */
  demoted(client: number): void {
    this.#demoted.push(client);
    if (this.#demoted.length > DEMOTED_MAX) this.#demoted.shift();
    if (this.#connection.state === 'connected') void this.#sendDemoted(this.#call);
  }

  async #sendDemoted(call: CallOf<MirrorflowContract>): Promise<void> {
    for (let client = this.#demoted.shift(); client !== undefined; client = this.#demoted.shift()) {
      try {
        await call('duplicator.demoted', [client]);
      } catch (error) {
        this.#log.debug('a stalled consumer could not be reported yet', { error });
        this.#demoted.unshift(client);
        return;
      }
    }
  }

  /**
   * Returns true when the duplicator may end: the app server has sent it no new client, or no app
   * server is reachable that could have. False: a client is about to connect.
   */
  async mayEnd(): Promise<boolean> {
    await this.#firstAttempt;
    if (this.#connection.state !== 'connected') return true;
    try {
      return await this.#call('duplicator.release', []);
    } catch (error) {
      return isMirrorflowError(error, 'CLOSED') || isMirrorflowError(error, 'TRANSPORT_ERROR');
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Ends when the app server refuses this duplicator; an unreachable one is tried again. */
  #endIfRefused(error: unknown): void {
    if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
    this.#log.error('the app server refuses this duplicator, ending', { error });
    this.#hooks.quit();
  }
}
