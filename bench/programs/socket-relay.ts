/**
 * The process in the middle of two bare hops, a peer of `latency`: forwards bytes from one Unix
 * socket to another as they arrive.
 */
import { connect, createServer } from 'node:net';
import { serveRequests, readSettings } from './control-channel.js';

const { from, to } = readSettings<{ from: string; to: string }>();
createServer((next) => {
  const source = connect(from);
  source.on('data', (chunk) => {
    if (next.write(chunk)) return;
    source.pause();
    next.once('drain', () => source.resume());
  });
}).listen(to, () => serveRequests({}));
