/**
 * The peer of the flooded servers in the benchmark `flood`, which starts it: a bare TCP server that
 * reads and discards. Listens on a free loopback port.
 */
import { createServer, type AddressInfo } from 'node:net';
import { serveRequests } from './control-channel.js';

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.resume();
});
server.listen(0, '127.0.0.1', () => {
  serveRequests({ port: () => (server.address() as AddressInfo).port });
});
