/**
 * Entry module of a flow thread: a worker that reads one input flow at a time for the main thread.
 * Started by thread-pool.ts. After `close` it may rest and serve another flow; it ends on `leave`
 * and with the process.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { loadMmapIo } from '../../../protocol/base/files/mmap-binding.js';
import { FlowReader } from './flow-reader.js';
import type { ThreadEvent, ThreadCommand } from './thread-messages.js';
import { receiveSettings } from './thread-pool.js';

/** A program that opens the same flow again within this time finds it mapped. */
const COLLECT_AFTER_MS = 1_000;

const port = parentPort;
if (port === null)
  throw new Error('flow-thread is a worker of the client library; it cannot be run as a program');
loadMmapIo(); // in advance, while the thread waits for its settings
let collecting: NodeJS.Timeout | undefined;
let flow: FlowReader | undefined = new FlowReader(port, receiveSettings());

/** A full garbage collection of this thread, for which V8 has no public call. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc'); // the flag is the whole process's
  collect();
}

async function close(): Promise<void> {
  const closing = flow;
  flow = undefined;
  await closing?.close();
  port?.postMessage({ kind: 'closed' } satisfies ThreadEvent);
}

port.on('message', (message: ThreadCommand) => {
  switch (message.kind) {
    case 'close':
      void close();
      break;
    case 'rest':
      // The flow file stays mapped, and keeps its memory even when it is removed, until the objects
      // of the flow are collected.
      collecting = setTimeout(collectGarbage, COLLECT_AFTER_MS).unref();
      break;
    case 'leave':
      port.close();
      break;
    case 'serve':
      clearTimeout(collecting);
      flow = new FlowReader(port, message.settings);
      break;
    default:
      flow?.handle(message);
  }
});
