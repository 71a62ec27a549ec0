/** What calls are compared with: an echo of bytes over a Unix socket, and of bodies over HTTP. */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { answerQuestions, settingsOf } from './answering.js';

const { path } = settingsOf<{ path: string }>();
createServer((socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
}).listen(path);
const http = createHttpServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.end(Buffer.concat(chunks)));
});
http.listen(0, '127.0.0.1', () => answerQuestions({ port: () => (http.address() as AddressInfo).port }));
