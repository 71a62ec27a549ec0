/**
 * The rate of `iperf3` over loopback, a peer of the benchmark `tcp`: the same bytes without Node at
 * either end. Spawns `iperf3` where it is installed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** iperf3 refuses larger blocks. */
const BLOCK_BYTES_MAX = 2 ** 20;
const WARM_UP_S = 1;

/** Gigabytes a second in blocks of `blockBytes`; undefined when `iperf3` is not installed. */
export async function iperf3Rate(blockBytes: number, durationMs: number): Promise<number | undefined> {
  const port = String(await freePort());
  const server = spawn('iperf3', ['--server', '--one-off', '--port', port, '--forceflush'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const listens = await Promise.race([
    once(server.stdout, 'data').then(() => true),
    once(server, 'error').then(() => false),
  ]).catch(() => false);
  if (!listens) return undefined;
  const exited = once(server, 'exit');
  const length = String(Math.min(blockBytes, BLOCK_BYTES_MAX));
  const seconds = String(Math.max(1, Math.round(durationMs / 1000)));
  const clientOptions = ['--client', '127.0.0.1', '--port', port, '--length', length, '--time', seconds];
  const client = spawn('iperf3', [...clientOptions, '--omit', String(WARM_UP_S), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let report = '';
  client.stdout.on('data', (text: Buffer) => (report += text.toString()));
  await once(client, 'close');
  server.kill();
  await exited;
  return parseRate(report);
}

function parseRate(report: string): number {
  const { end } = JSON.parse(report) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 8e9;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
