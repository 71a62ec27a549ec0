/**
 * The peer of a provider in `fanout`: plain `node:net`, which writes the same bytes to every
 * connection and waits for the slowest. Listens on a Unix socket.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { Tally } from './sample.js';

/** Small buffers are written together up to this size, as a fast program would do. */
const WRITE_BYTES = 65_536;

const { path, size, consumers } = readSettings<{ path: string; size: number; consumers: number }>();
const sockets: Socket[] = [];
createServer((socket) => {
  socket.on('error', () => undefined); // a subscriber is stopped before the publisher
  sockets.push(socket);
}).listen(path);
const batch = Math.max(1, Math.floor(WRITE_BYTES / size));
const source = Buffer.alloc(size * batch, 1);
const tally = new Tally();
serveRequests({ sample: () => tally.sample() });
while (sockets.length < consumers) await nextTurn();
for (;;) {
  const full = sockets.filter((socket) => !socket.write(source));
  // A subscriber was stopped: the measurement is over.
  await Promise.all(full.map((socket) => once(socket, 'drain'))).catch(() => process.exit(0));
  tally.buffers += batch;
  tally.bytes += source.length;
}
