/** The peer of `tcp`: a bare loopback socket pair in Node, written and read in blocks of the same size, each end a process. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

export interface TcpBareSettings {
  /** Where to receive from; without it the program sends, and answers to `port`. */
  readonly port?: number;
  readonly size: number;
}

/** Writes that wait in the socket: one is sent while the next is made. */
const WRITES_WAITING = 2;
/** Node's own reads have this size; a smaller one would only slow the peer down. */
const READ_BYTES_MIN = 64 * 1024;

const { port, size } = settingsOf<TcpBareSettings>();
const tally = new Tally();
if (port === undefined) send();
else receive(port);

function receive(from: number): void {
  const block = Buffer.allocUnsafeSlow(Math.max(size, READ_BYTES_MIN));
  const callback = (bytes: number): boolean => {
    tally.bytes += bytes;
    tally.buffers = tally.bytes / size;
    return true;
  };
  connect({ host: '127.0.0.1', port: from, onread: { buffer: block, callback } });
  answerQuestions({ sample: () => tally.sample() });
}

function send(): void {
  const block = Buffer.alloc(size, 1);
  const server = createServer({ noDelay: true }, (socket) => {
    let waiting = 0;
    const more = (): void => {
      while (waiting < WRITES_WAITING) {
        waiting += 1;
        socket.write(block, () => {
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
