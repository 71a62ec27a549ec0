/**
 * Starting flow threads, and keeping one for the next flow. A worker takes some 30 ms to come up,
 * ten times as long as all the rest of opening a flow. So it is begun before the app server is
 * asked for the flow; a process that opens flow after flow keeps one that waits for the next; and a
 * thread whose flow was closed rests until there is another, since it is quickest of all: nothing
 * of it has to be compiled any more.
 */
import {
  Worker,
  parentPort,
  receiveMessageOnPort,
  workerData,
  type TransferListItem,
} from 'node:worker_threads';
import { programPath } from '../../../protocol/base/installation.js';
import type { FlowThreadSettings, ToThread } from './messages.js';

interface Waiting {
  readonly worker: Worker;
  /** One word: 0 until the settings of the first flow have been sent. */
  readonly go: Int32Array;
}

/** From the answer of one thread to the start of the next. */
const NEXT_AFTER_MS = 10;

/** Threads that were started for a flow; from the second on another one will be. */
let used = 0;
let spare: Waiting | undefined;
let resting: Worker | undefined;

/** Begins to start a thread for a flow that is about to be opened. */
export function prepareFlowThread(): void {
  if (spare !== undefined || resting !== undefined) return;
  const go = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(programPath('flow-thread'), { name: 'mirrorflow flow thread', workerData: go });
  const waiting = { worker, go };
  const forget = (): void => {
    if (spare === waiting) spare = undefined;
  };
  worker.once('error', forget).once('exit', forget);
  worker.unref(); // it does not keep the process, nobody uses it yet
  spare = waiting;
}

/** A thread with these settings; the caller's from now on, without listeners. */
export function startFlowThread(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker {
  return wake(settings, transfer) ?? startNew(settings, transfer);
}

/** Takes back a thread that has told that its flow is closed. */
export function returnFlowThread(worker: Worker): void {
  worker.removeAllListeners();
  if (resting !== undefined) {
    say(worker, { kind: 'leave' });
    return;
  }
  const forget = (): void => {
    if (resting === worker) resting = undefined;
  };
  worker.once('error', forget).once('exit', forget);
  worker.unref();
  say(worker, { kind: 'rest' });
  resting = worker;
}

function wake(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker | undefined {
  const worker = resting;
  if (worker === undefined) return undefined;
  resting = undefined;
  worker.removeAllListeners();
  worker.ref();
  say(worker, { kind: 'serve', settings }, transfer);
  return worker;
}

function startNew(settings: FlowThreadSettings, transfer: readonly TransferListItem[]): Worker {
  prepareFlowThread();
  const { worker, go } = spare as Waiting;
  spare = undefined;
  worker.removeAllListeners();
  worker.ref();
  worker.postMessage(settings, transfer);
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  used += 1;
  // When this one has answered: two that come up at once would keep each other waiting.
  if (used > 1) worker.once('message', () => setTimeout(prepareFlowThread, NEXT_AFTER_MS).unref());
  return worker;
}

function say(worker: Worker, message: ToThread, transfer: readonly TransferListItem[] = []): void {
  worker.postMessage(message, transfer);
}

/** In the thread: waits until it is told for what flow it is. All it needs is loaded by then. */
export function flowThreadSettings(): FlowThreadSettings {
  Atomics.wait(workerData as Int32Array, 0, 0);
  const received = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
  if (received === undefined)
    throw new Error('a flow thread is a worker of the client library, not a program');
  return received.message as FlowThreadSettings;
}
