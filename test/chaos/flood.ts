/**
 * Garbage on sockets and ports, all at once: random bytes, half messages, huge lengths, and
 * connections that send nothing. The fault `flood` of the chaos run and the tests of hostile
 * clients use it. Opens connections to the targets and closes them again.
 */
import { connect, type Socket } from 'node:net';
import type { RandomBits } from '../../simulator/random.js';

/** Kinds of input that a hostile peer may send; each call makes a new one. */
const GARBAGE_KINDS: readonly ((random: RandomBits) => Buffer)[] = [
  (random) => Buffer.from(Array.from({ length: 1 + (random() % 4096) }, () => random() & 0xff)),
  () => Buffer.from([1, 0, 0]),
  () => Buffer.alloc(16, 0xff),
  () => Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(64)]),
  () => Buffer.from('POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n<'),
  () => Buffer.from('GET /'.padEnd(70_000, 'x')),
  () => Buffer.from('<?xml version="1.0"?><methodCall><methodName>host.quit'),
  () => Buffer.alloc(0),
];

export type FloodTarget = { readonly path: string } | { readonly port: number };

/**
 * Sends garbage to every target over `connections` connections each, and closes them after `holdMs`
 * milliseconds. Never rejects.
 */
export async function flood(
  targets: readonly FloodTarget[],
  connections: number,
  holdMs: number,
  random: RandomBits,
): Promise<void> {
  const sockets: Socket[] = [];
  for (const target of targets) {
    for (let index = 0; index < connections; index += 1) {
      const socket =
        'path' in target ? connect({ path: target.path }) : connect({ port: target.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      socket.resume();
      const garbage = GARBAGE_KINDS[random() % GARBAGE_KINDS.length];
      socket.once('connect', () => socket.write(garbage?.(random) ?? ''));
      sockets.push(socket);
    }
  }
  await new Promise((resolve) => setTimeout(resolve, holdMs));
  for (const socket of sockets) socket.destroy();
}
