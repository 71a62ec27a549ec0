/**
 * Floods ports, for the benchmark `flood`: opens a fixed number of connections a second to each,
 * sends nothing, half messages or garbage, and abandons them. The same flood whatever listens
 * there, as far as the machine permits.
 */
import { connect } from 'node:net';
import { readSettings, serveRequests } from './control-channel.js';
import { Tally } from './sample.js';

export interface FlooderSettings {
  readonly ports: readonly number[];
  /** To each port. */
  readonly connectionsPerSecond: number;
}

const TICK_MS = 10;
const HOLD_MS = 300;
const GARBAGE: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from([0x89, 0x4d, 0x46]),
  Buffer.alloc(4_096, 0xa5),
  Buffer.concat([Buffer.from('MIRRWIRE'), Buffer.from([2, 0, 1, 0, 0xff, 0xff, 0xff, 0x7f])]),
  Buffer.from('POST /RPC2 HTTP/1.1\r\ncontent-type: text/xml\r\ncontent-length: 4000\r\n\r\n<methodCall>'),
  Buffer.from(`GET /${'x'.repeat(2_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
];

const { ports, connectionsPerSecond } = readSettings<FlooderSettings>();
const tally = new Tally();
let due = 0;
setInterval(() => {
  due += (connectionsPerSecond * TICK_MS) / 1_000;
  for (; due >= 1; due -= 1) for (const port of ports) open(port);
}, TICK_MS);
serveRequests({ sample: () => tally.sample() });

function open(port: number): void {
  const bytes = GARBAGE[tally.buffers % GARBAGE.length] ?? Buffer.alloc(0);
  tally.buffers += 1;
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.on('connect', () => {
    tally.bytes += bytes.length;
    if (bytes.length > 0) socket.write(bytes);
  });
  socket.resume();
  setTimeout(() => socket.destroy(), HOLD_MS);
}
