/**
 * Entry module of a messaging thread: a worker that receives, acknowledges and queues the messages
 * of one client for its main thread. Started by MessageThread; ends on `close` and with the
 * process.
 */
import { isMainThread, workerData } from 'node:worker_threads';
import { MessageReceiver } from './message-receiver.js';
import type { MessageThreadCommand, MessageThreadSettings } from './thread-messages.js';

if (isMainThread)
  throw new Error('message-thread is a worker of the client library; it cannot be run as a program');
const settings = workerData as MessageThreadSettings;
const { port } = settings;
const receiver = new MessageReceiver(settings);

port.on('message', (command: MessageThreadCommand) => {
  switch (command.kind) {
    case 'register':
      receiver.register(command.type, command.attributes);
      break;
    case 'identify':
      receiver.identify(command.session);
      break;
    case 'close':
      void receiver.close().then(() => port.close());
      break;
  }
});
