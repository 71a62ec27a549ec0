/**
 * The peer of a provider: plain `node:net`, the same bytes written to every connection, with
 * backpressure of the slowest.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { Tally } from './sample.js';

/** Small buffers are written together: nobody who wants speed writes them one by one. */
const WRITE_BYTES = 65_536;

const { path, size, consumers } = settingsOf<{ path: string; size: number; consumers: number }>();
const sockets: Socket[] = [];
createServer((socket) => {
  socket.on('error', () => undefined); // a subscriber that is ended first, when all is over
  sockets.push(socket);
}).listen(path);
const batch = Math.max(1, Math.floor(WRITE_BYTES / size));
const source = Buffer.alloc(size * batch, 1);
const tally = new Tally();
answerQuestions({ sample: () => tally.sample() });
while (sockets.length < consumers) await turn();
for (;;) {
  const full = sockets.filter((socket) => !socket.write(source));
  // A subscriber that is ended first: all is over.
  await Promise.all(full.map((socket) => once(socket, 'drain'))).catch(() => process.exit(0));
  tally.buffers += batch;
  tally.bytes += source.length;
}
