/**
 * Starts flow threads (workers that read one input flow each) and keeps one for the next flow. Used
 * by ThreadedEngine and the client's flows in the main thread; `receiveSettings` by the worker.
 *
 * A worker takes about 30 ms to start, ten times as long as the rest of opening a flow. So it is
 * started before the app server is asked for the flow; from the second flow on a spare thread is
 * started in advance; and a thread whose flow was closed rests until the next flow, which is the
 * fastest: its code is compiled already.
 */
import {
  Worker,
  parentPort,
  receiveMessageOnPort,
  workerData,
  type TransferListItem,
} from 'node:worker_threads';
import { programPath } from '../../../protocol/base/installation.js';
import type { FlowThreadSettings, ThreadCommand } from './thread-messages.js';

interface SpareThread {
  readonly worker: Worker;
  /** One word: 1 once the settings of the first flow have been sent. */
  readonly go: Int32Array;
}

/** Delay from the first message of one thread to the start of the next. */
const NEXT_AFTER_MS = 10;

/** Threads started for a flow so far; from the second on a spare one is started in advance. */
let used = 0;
let spare: SpareThread | undefined;
/** Its flow was closed; it waits for another one. */
let resting: Worker | undefined;

/** Starts a thread for a flow that is about to be opened; does not wait for it. */
export function prepareFlowThread(): void {
  if (spare !== undefined || resting !== undefined) return;
  const go = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(programPath('flow-thread'), { name: 'mirrorflow flow thread', workerData: go });
  const thread = { worker, go };
  const forget = (): void => {
    if (spare === thread) spare = undefined;
  };
  worker.once('error', forget).once('exit', forget);
  worker.unref(); // an unused thread does not keep the process running
  spare = thread;
}

/** A thread that serves a flow with these settings; the caller's from now on, without listeners. */
export function startFlowThread(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker {
  return reuse(settings, transfer) ?? startNew(settings, transfer);
}

/** Takes back a thread that has sent `closed`. */
export function returnFlowThread(worker: Worker): void {
  worker.removeAllListeners();
  if (resting !== undefined) {
    send(worker, { kind: 'leave' });
    return;
  }
  const forget = (): void => {
    if (resting === worker) resting = undefined;
  };
  worker.once('error', forget).once('exit', forget);
  worker.unref();
  send(worker, { kind: 'rest' });
  resting = worker;
}

function reuse(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker | undefined {
  const worker = resting;
  if (worker === undefined) return undefined;
  resting = undefined;
  worker.removeAllListeners();
  worker.ref();
  send(worker, { kind: 'serve', settings }, transfer);
  return worker;
}

function startNew(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker {
  prepareFlowThread();
  const { worker, go } = spare as SpareThread;
  spare = undefined;
  worker.removeAllListeners();
  worker.ref();
  worker.postMessage(settings, transfer);
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  used += 1;
  // After this one has answered: two workers that start at once slow each other down.
  if (used > 1) worker.once('message', () => setTimeout(prepareFlowThread, NEXT_AFTER_MS).unref());
  return worker;
}

function send(worker: Worker, message: ThreadCommand, transfer: readonly TransferListItem[] = []): void {
  worker.postMessage(message, transfer);
}

/**
 * In the thread: blocks until the settings of its first flow arrive. All modules are loaded then.
 */
export function receiveSettings(): FlowThreadSettings {
  Atomics.wait(workerData as Int32Array, 0, 0);
  const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
  if (received === undefined)
    throw new Error('flow-thread is a worker of the client library; it cannot be run as a program');
  return received.message as FlowThreadSettings;
}
