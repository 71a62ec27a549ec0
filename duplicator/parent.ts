/**
 * The duplicator's permanent connection to its app server: says ready, reports, asks to end, and is
 * found again when the app server was restarted. It is made while the flow starts, so that only the
 * word itself is left to say when that is ready.
 */
import type { DuplicatorFigures } from '../protocol/rpc/contract/figures.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type {
  DuplicatorReady,
  DuplicatorReport,
  ServeRequest,
  Served,
} from '../protocol/rpc/contract/shapes.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { callerOf, type CallOf } from '../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../protocol/rpc/xml-rpc/permanent-connection.js';

export { reportFailedStart } from '../protocol/host/process-kit/failed-start.js';

/** Stalled consumers that the app server is told of when it is back. */
const DEMOTED_MAX = 64;

/** What an app server may ask of a duplicator, and what the duplicator tells of itself. */
export interface ParentHooks {
  /** Resolves when the flow has started, or never. */
  readonly started: Promise<void>;
  ready(): DuplicatorReady;
  report(): DuplicatorReport;
  statistics(): DuplicatorFigures;
  serve(request: ServeRequest): Promise<Served>;
  /** See duplicator.redirect. */
  readonly redirect: (source: string) => boolean;
  quit(): void;
  /**
   * So many consumers have the flow open, as the app server knows that started this duplicator
   * after another.
   */
  consumers(count: number): void;
}

export class Parent {
  readonly #connection: PermanentConnection;
  readonly #call: CallOf<MirrorflowContract>;
  readonly #hooks: ParentHooks;
  readonly #log: Logger;
  readonly #demoted: number[] = [];
  /** The first try to reach the app server has ended, one way or the other. */
  readonly #tried: Promise<void>;

  constructor(socket: string, hooks: ParentHooks, log: Logger) {
    this.#hooks = hooks;
    this.#log = log;
    const dispatcher = new Dispatcher<MirrorflowContract, undefined>(
      CONTRACT,
      {
        'duplicator.statistics': () => hooks.statistics(),
        'duplicator.serve': ([request]) => hooks.serve(request),
        'duplicator.redirect': ([source]) => hooks.redirect(source),
        'duplicator.quit': () => {
          // The answer goes out first.
          setImmediate(() => hooks.quit());
          return true;
        },
      },
      { log },
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
          const { consumers } = await call('duplicator.subscribe', [hooks.ready()]);
          if (consumers !== undefined) hooks.consumers(consumers);
          await call('duplicator.report', [hooks.report()]);
          void this.#tellDemoted(call);
        },
      },
    );
    this.#call = callerOf(CONTRACT, this.#connection);
    this.#tried = new Promise((resolve) => {
      this.#connection.once('connected', () => resolve());
      this.#connection.once('failed', () => resolve());
    });
    this.#connection.on('failed', (error) => this.#refused(error));
    this.#connection.on('lost', () => log.warn('the app server has gone; the flow goes on'));
    this.#connection.on('connected', () => log.debug('connected to the app server'));
  }

  start(): void {
    this.#connection.start();
  }

  /**
   * Tells the app server what the flow is like now; lost when it is away, since it is told again
   * when it is back.
   */
  report(): void {
    if (this.#connection.state !== 'connected') return;
    this.#call('duplicator.report', [this.#hooks.report()]).catch((error: unknown) => {
      this.#log.debug('a report was lost', { error });
    });
  }

  /** Tells who became lossy; kept, within bounds, while the app server is away. */
  demoted(client: number): void {
    this.#demoted.push(client);
    if (this.#demoted.length > DEMOTED_MAX) this.#demoted.shift();
    if (this.#connection.state === 'connected') void this.#tellDemoted(this.#call);
  }

  async #tellDemoted(call: CallOf<MirrorflowContract>): Promise<void> {
    for (let client = this.#demoted.shift(); client !== undefined; client = this.#demoted.shift()) {
      try {
        await call('duplicator.demoted', [client]);
      } catch (error) {
        this.#log.debug('the app server was not told of a stalled consumer yet', { error });
        this.#demoted.unshift(client);
        return;
      }
    }
  }

  /**
   * Whether the flow may end: the app server's word, or true when there is no app server to send
   * anybody.
   */
  async mayEnd(): Promise<boolean> {
    await this.#tried;
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

  /**
   * An app server that answers and does not want this duplicator is obeyed; one that is away is
   * waited for.
   */
  #refused(error: unknown): void {
    if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
    this.#log.error('the app server refuses this duplicator, ending', { error });
    this.#hooks.quit();
  }
}
