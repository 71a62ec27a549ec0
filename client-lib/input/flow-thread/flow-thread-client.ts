/**
 * The main thread's end of one flow in a flow thread: commands and their answers, the flow's
 * events, and the end of both. Used by ThreadedEngine. Exchanges messages with the thread; does no
 * other I/O.
 */
import { MirrorflowError, describeError } from '../../../protocol/base/errors.js';
import {
  deserializeError,
  type FlowCommand,
  type FlowPortCommand,
  type FlowThreadSettings,
  type ThreadEvent,
} from './thread-messages.js';
import { serveFlow, type ServedFlow } from './thread-pool.js';

/** Longest wait until the thread has closed the flow. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Events that are no answers to calls; `attached` is one besides. */
export type FlowEvent = Exclude<ThreadEvent, { readonly kind: 'done' | 'failed' }>;

interface FlowThreadListener {
  readonly onEvent: (event: FlowEvent) => void;
  /** Called once, when the thread does not serve the flow any more. */
  readonly onLeft: (error: MirrorflowError) => void;
}

interface PendingCall {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class FlowThreadClient {
  readonly #thread: ServedFlow;
  readonly #listener: FlowThreadListener;
  /** Commands that the thread has not answered yet. */
  readonly #pending = new Map<number, PendingCall>();
  /** Resolves when the thread has closed the flow, or has ended. */
  readonly #left: Promise<void>;
  /** Resolves when the flow is attached; rejects as `attachConsumer`. */
  readonly attached: Promise<void>;
  #nextCall = 0;
  #failure: MirrorflowError | undefined;
  #closing: Promise<void> | undefined;

  /** Starts to attach the flow: call number 0. */
  constructor(settings: FlowThreadSettings, thread: 'shared' | 'own', listener: FlowThreadListener) {
    this.#listener = listener;
    this.attached = this.#add().answer;
    this.#thread = serveFlow(settings, [settings.segments], thread, (error) => {
      const message = `the flow thread failed: ${describeError(error)}`;
      this.#leave(new MirrorflowError('SYSTEM_ERROR', message, {}, error));
    });
    const { port, release } = this.#thread;
    port.on('message', (event: ThreadEvent) => this.#handle(event));
    this.#left = new Promise((resolve) => {
      port.once('close', () => {
        release();
        this.#leave(new MirrorflowError('CLOSED', 'the flow thread has ended'));
        resolve();
      });
    });
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Sends a command to the thread; does nothing once closing has begun. */
  send(command: FlowCommand): void {
    if (!this.closing) this.#thread.port.postMessage(command);
  }

  /** Resolves when the thread has executed the command; rejects with its error, or CLOSED. */
  call(command: (call: number) => FlowCommand): Promise<void> {
    if (this.closing) return Promise.reject(new MirrorflowError('CLOSED', 'the input flow is closed'));
    const { call, answer } = this.#add();
    this.send(command(call));
    return answer;
  }

  /** Resolves when the thread has closed the flow; bounded. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const { port } = this.#thread;
      port.postMessage({ kind: 'close' } satisfies FlowPortCommand);
      const timer = setTimeout(() => port.close(), CLOSE_TIMEOUT_MS);
      await this.#left;
      clearTimeout(timer);
    })();
    return this.#closing;
  }

  #add(): { readonly call: number; readonly answer: Promise<void> } {
    const call = this.#nextCall++;
    const answer = new Promise<void>((resolve, reject) => this.#pending.set(call, { resolve, reject }));
    return { call, answer };
  }

  #settle(call: number, error?: Error): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (error === undefined) pending?.resolve();
    else pending?.reject(error);
  }

  #handle(event: ThreadEvent): void {
    if (event.kind === 'failed') return this.#settle(event.call, deserializeError(event.error));
    if (event.kind === 'done') return this.#settle(event.call);
    this.#listener.onEvent(event);
    if (event.kind === 'attached') this.#settle(event.call);
  }

  #leave(error: MirrorflowError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const call of this.#pending.keys()) this.#settle(call, error);
    this.#listener.onLeft(error);
  }
}
