/**
 * Entry module of a flow thread: a worker that reads input flows for the main thread, each with a
 * port of its own. Started by thread-pool.ts. It ends with the process, or is terminated.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { loadMmapIo } from '../../../protocol/base/files/mmap-binding.js';
import { AttachTurns } from './attach-turns.js';
import { FlowReader } from './flow-reader.js';
import type { FlowPortCommand, FlowThreadSettings, ThreadCommand } from './thread-messages.js';

/** A program that opens the same flow again within this time finds it mapped. */
const COLLECT_AFTER_MS = 1_000;

if (parentPort === null)
  throw new Error('flow-thread is a worker of the client library; it cannot be run as a program');
loadMmapIo(); // in advance, before the first flow is opened
const turns = new AttachTurns();
let collecting: NodeJS.Timeout | undefined;

/** A full garbage collection of this thread, for which V8 has no public call. */
function collectGarbage(): void {
  collecting = undefined;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc'); // the flag is the whole process's
  collect();
}

function serve(settings: FlowThreadSettings, port: MessagePort): void {
  const flow = new FlowReader(port, settings, turns);
  let isClosing = false;
  const close = (): void => {
    if (isClosing) return;
    isClosing = true;
    void flow.close().then(() => port.close());
    // The flow file stays mapped, and keeps its memory even when it is removed, until the objects
    // of the flow are collected.
    collecting ??= setTimeout(collectGarbage, COLLECT_AFTER_MS).unref();
  };
  port.on('message', (message: FlowPortCommand) => {
    if (message.kind === 'close') close();
    else flow.handle(message);
  });
  // The main thread has stopped waiting for the end of the flow.
  port.on('close', close);
}

parentPort.on('message', ({ settings, port }: ThreadCommand) => serve(settings, port));
