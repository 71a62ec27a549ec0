/**
 * The peer of the calls in `rpc`: echoes bytes over a Unix socket, and bodies over HTTP on a free
 * port.
 */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { serveRequests, readSettings } from './control-channel.js';

const { path } = readSettings<{ path: string }>();
createServer((socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
}).listen(path);
const http = createHttpServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.end(Buffer.concat(chunks)));
});
http.listen(0, '127.0.0.1', () => serveRequests({ port: () => (http.address() as AddressInfo).port }));
