/**
 * The peers of `tcp`: a bare loopback socket pair in Node, written and read in blocks of the same
 * size, each end a process. With several blocks each end goes around in as much memory as the ring
 * of a flow.
 */
import { connect, createServer, type AddressInfo } from 'node:net';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

export interface TcpBareSettings {
  /** Where to receive from; without it the program sends, and answers to `port`. */
  readonly port?: number;
  readonly size: number;
  /** Blocks that are used in turn. */
  readonly blocks: number;
}

/** Writes that wait in the socket: one is sent while the next is made. */
const WRITES_WAITING = 2;
/** Node's own reads have this size; a smaller one would only slow the peer down. */
const READ_BYTES_MIN = 64 * 1024;

const { port, size, blocks } = settingsOf<TcpBareSettings>();
const tally = new Tally();
if (port === undefined) send();
else receive(port);

function receive(from: number): void {
  const ring = Buffer.alloc(Math.max(size * blocks, READ_BYTES_MIN));
  const piece = Math.max(size, READ_BYTES_MIN);
  let at = 0;
  const buffer = (): Buffer => ring.subarray(at, Math.min(ring.length, at - (at % piece) + piece));
  const callback = (bytes: number): boolean => {
    at = (at + bytes) % ring.length;
    tally.bytes += bytes;
    tally.buffers = tally.bytes / size;
    return true;
  };
  connect({ host: '127.0.0.1', port: from, onread: { buffer, callback } });
  answerQuestions({ sample: () => tally.sample() });
}

function send(): void {
  const ring = Array.from({ length: blocks }, () => Buffer.alloc(size, 1));
  const server = createServer({ noDelay: true }, (socket) => {
    let waiting = 0;
    let next = 0;
    const more = (): void => {
      while (waiting < WRITES_WAITING) {
        waiting += 1;
        next = (next + 1) % blocks;
        socket.write(ring[next] ?? '', () => {
          waiting -= 1;
          more();
        });
      }
    };
    socket.on('error', () => process.exit(0));
    more();
  });
  server.listen(0, '127.0.0.1', () =>
    answerQuestions({
      port: () => (server.address() as AddressInfo).port,
      sample: () => tally.sample(),
    }),
  );
}
