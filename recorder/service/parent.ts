/**
 * The recorder's permanent connection to its app server, a Unix socket. `main.ts` opens it. It
 * reports that the recorder runs, again after a restart of the app server, which adopts the
 * recorder then; and what it records, whenever that has changed.
 */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { proveChild } from '../../protocol/host/process-kit/prove-child.js';
import type { ParentServer } from '../../protocol/host/process-kit/start-report.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { RecorderReady, RecorderReport } from '../../protocol/rpc/contract/recorder.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

/** Between two looks at what has changed. */
const REPORT_INTERVAL_MS = 500;

interface Reports {
  readonly ready: () => RecorderReady;
  readonly report: () => RecorderReport;
  /** The app server refuses this recorder. */
  readonly onRefused: () => void;
}

export class ParentConnection {
  readonly #connection: PermanentConnection;
  readonly #reports: Reports;
  #session: RpcSession | undefined;
  /** What the app server has. */
  #reported: RecorderReport | undefined;
  #cancelReport: () => void = () => undefined;
  #closed = false;

  constructor({ socket, childToken }: ParentServer, reports: Reports, log: Logger) {
    this.#reports = reports;
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        context: () => undefined,
        log,
        onConnected: async (session) => {
          await proveChild(session, childToken);
          await callerOf(CONTRACT, session)('recorder.subscribe', [reports.ready()]);
          this.#session = session;
          this.#reported = undefined;
          await this.#report();
        },
      },
    );
    this.#connection.on('lost', () => {
      this.#session = undefined;
      log.warn('the connection to the app server is lost; the recorder continues');
    });
    this.#connection.on('failed', (error) => {
      if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
      log.error('the app server refuses this recorder; stopping', { error });
      reports.onRefused();
    });
    this.#connection.start();
    this.#scheduleReport();
  }

  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReport();
    await this.#connection.close();
  }

  #scheduleReport(): void {
    this.#cancelReport = systemClock.after(REPORT_INTERVAL_MS, () => {
      // What fails is reported again on the next connection.
      void this.#report()
        .catch(() => undefined)
        .finally(() => {
          if (!this.#closed) this.#scheduleReport();
        });
    });
  }

  async #report(): Promise<void> {
    const session = this.#session;
    const report = this.#reports.report();
    if (session === undefined || isDeepStrictEqual(report, this.#reported)) return;
    await callerOf(CONTRACT, session)('recorder.report', [report]);
    this.#reported = report;
  }
}
