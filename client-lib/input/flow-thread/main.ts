/**
 * The entry of a flow thread, one worker per input flow. When its flow is closed it may rest and
 * serve another one, for which everything is compiled already; it ends on `leave`, and with the
 * process.
 */
import { parentPort } from 'node:worker_threads';
import { loadMmapIo } from '../../../protocol/base/files/mmap-binding.js';
import { collectGarbage } from './collect-garbage.js';
import { FlowInThread } from './flow-in-thread.js';
import type { FromThread, ToThread } from './messages.js';
import { flowThreadSettings } from './start.js';

/** Who opens one flow after the other may open the same again, and finds it mapped. */
const COLLECT_AFTER_MS = 1_000;

const port = parentPort;
if (port === null) throw new Error('a flow thread is a worker of the client library, not a program');
loadMmapIo(); // before it is waited for
let collecting: NodeJS.Timeout | undefined;
let flow: FlowInThread | undefined = new FlowInThread(port, flowThreadSettings());

async function close(): Promise<void> {
  const closing = flow;
  flow = undefined;
  await closing?.close();
  port?.postMessage({ kind: 'closed' } satisfies FromThread);
}

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'close':
      void close();
      break;
    case 'rest':
      // The flow file stays mapped, and takes memory also when it is removed, until what was the
      // flow has been collected.
      collecting = setTimeout(collectGarbage, COLLECT_AFTER_MS).unref();
      break;
    case 'leave':
      port.close();
      break;
    case 'serve':
      clearTimeout(collecting);
      flow = new FlowInThread(port, message.settings);
      break;
    default:
      flow?.hear(message);
  }
});
