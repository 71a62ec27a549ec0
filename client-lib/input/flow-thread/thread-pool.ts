/**
 * The flow threads of a program: workers that read input flows. Used by ThreadedEngine and the
 * client's flows in the main thread. Starts workers.
 *
 * One shared thread serves any number of flows: its reading loops are driven by events and yield
 * after each pass, so that a flow without room, or one that always has buffers, delays no other. A
 * flow that spins, or asks for it, has a thread of its own, which ends with it.
 *
 * A worker takes about 30 ms to start, ten times as long as the rest of opening a flow. So it is
 * started before the app server is asked for the flow, and the shared thread rests after its last
 * flow and serves the next one.
 */
import { MessageChannel, Worker, type MessagePort, type TransferListItem } from 'node:worker_threads';
import { programPath } from '../../../protocol/base/installation.js';
import type { FlowThreadSettings, ThreadCommand } from './thread-messages.js';

/** A flow that is served by a thread. */
export interface ServedFlow {
  /** Commands to the flow, and its events. Closes when the flow is closed or the thread ends. */
  readonly port: MessagePort;
  /** Ends a thread of its own; the flow's port has closed. */
  readonly release: () => void;
}

let shared: FlowThread | undefined;

class FlowThread {
  readonly #worker: Worker;
  /** Called with the error that ends the thread. */
  readonly #onFailure = new Set<(error: Error) => void>();

  constructor() {
    this.#worker = new Worker(programPath('flow-thread'), { name: 'mirrorflow flow thread' });
    // Ports keep the process running while their flows are open.
    this.#worker.unref();
    const forget = (): void => {
      if (shared === this) shared = undefined;
    };
    this.#worker.once('exit', forget);
    this.#worker.once('error', (error) => {
      forget();
      for (const failed of this.#onFailure) failed(error);
    });
  }

  serve(
    settings: FlowThreadSettings,
    transfer: readonly TransferListItem[],
    onFailure: (error: Error) => void,
    isOwn: boolean,
  ): ServedFlow {
    const { port1: port, port2 } = new MessageChannel();
    this.#onFailure.add(onFailure);
    const command: ThreadCommand = { kind: 'serve', settings, port: port2 };
    this.#worker.postMessage(command, [port2, ...transfer]);
    const release = (): void => {
      this.#onFailure.delete(onFailure);
      if (isOwn) void this.#worker.terminate();
    };
    return { port, release };
  }
}

/** Starts the shared thread for a flow that is about to be opened; does not wait for it. */
export function prepareFlowThread(): void {
  shared ??= new FlowThread();
}

/** Has a flow served by the shared thread or by its own. `onFailure`: the thread has failed. */
export function serveFlow(
  settings: FlowThreadSettings,
  transfer: readonly TransferListItem[],
  thread: 'shared' | 'own',
  onFailure: (error: Error) => void,
): ServedFlow {
  if (thread === 'own') return new FlowThread().serve(settings, transfer, onFailure, true);
  shared ??= new FlowThread();
  return shared.serve(settings, transfer, onFailure, false);
}
