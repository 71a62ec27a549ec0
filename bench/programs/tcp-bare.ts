/**
 * One end of a bare loopback socket pair, the peer of `tcp` and `spectcl`: sends or receives blocks
 * of one size. With several blocks each end uses as much memory as the ring of a flow. Without
 * `port` the program listens on a free port and sends.
 */
import { connect, createServer, type AddressInfo } from 'node:net';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

export interface TcpBareSettings {
  /** The port to receive from; without it the program sends, and replies to the request `port`. */
  readonly port?: number;
  readonly size: number;
  /** Number of blocks that are used in turn. */
  readonly blocks: number;
}

/** Pending writes of the socket: the next is queued while one is sent. */
const PENDING_WRITES_MAX = 2;
/** The size of Node's own reads; smaller reads would slow the peer down. */
const READ_BYTES_MIN = 64 * 1024;

const { port, size, blocks } = readSettings<TcpBareSettings>();
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
  serveRequests({ sample: () => tally.sample() });
}

function send(): void {
  const ring = Array.from({ length: blocks }, () => Buffer.alloc(size, 1));
  const server = createServer({ noDelay: true }, (socket) => {
    let pendingWrites = 0;
    let next = 0;
    const writeMore = (): void => {
      while (pendingWrites < PENDING_WRITES_MAX) {
        pendingWrites += 1;
        next = (next + 1) % blocks;
        socket.write(ring[next] ?? '', () => {
          pendingWrites -= 1;
          writeMore();
        });
      }
    };
    socket.on('error', () => process.exit(0));
    writeMore();
  });
  server.listen(0, '127.0.0.1', () =>
    serveRequests({
      port: () => (server.address() as AddressInfo).port,
      sample: () => tally.sample(),
    }),
  );
}
