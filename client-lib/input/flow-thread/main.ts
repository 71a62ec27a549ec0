/**
 * Entry module of a flow thread: a worker that reads input flows for the main thread, each with a
 * port of its own. Started by thread-pool.ts. It ends with the process, or is terminated.
 */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { collectGarbageSoon } from '../../../protocol/base/collect-garbage.js';
import { loadMmapIo } from '../../../protocol/base/files/mmap-binding.js';
import { AttachTurns } from './attach-turns.js';
import { FlowReader } from './flow-reader.js';
import type { FlowPortCommand, FlowThreadSettings, ThreadCommand } from './thread-messages.js';

if (parentPort === null)
  throw new Error('flow-thread is a worker of the client library; it cannot be run as a program');
loadMmapIo(); // in advance, before the first flow is opened
const turns = new AttachTurns();

function serve(settings: FlowThreadSettings, port: MessagePort): void {
  const flow = new FlowReader(port, settings, turns);
  let isClosing = false;
  const close = (): void => {
    if (isClosing) return;
    isClosing = true;
    void flow.close().then(() => port.close());
    // The flow file stays mapped, and keeps its memory even when it is removed, until the objects
    // of the flow are collected.
    collectGarbageSoon();
  };
  port.on('message', (message: FlowPortCommand) => {
    if (message.kind === 'close') close();
    else flow.handle(message);
  });
  // The main thread has stopped waiting for the end of the flow.
  port.on('close', close);
}

parentPort.on('message', ({ settings, port }: ThreadCommand) => serve(settings, port));
