/**
 * The peers of `spectcl`: a bare TCP client of SpecTcl's mirror protocol that requests updates back
 * to back and discards them (`gateway` uses it too), and a bare loopback socket pair that moves as
 * many bytes as an update has. Opens sockets and spawns processes.
 */
import { perSecond } from '../protocol/base/rates.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { MirrorClient } from './mirror-client.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import { pause } from './system.js';

/**
 * Updates per second over `durationMs`, after the first one, which is FULL, and the memory into
 * which each update was received whole. `capacity` is the size of the channel storage in bytes.
 */
export async function runBareClient(
  port: number,
  capacity: number,
  durationMs: number,
): Promise<{ readonly updatesPerSecond: number; readonly memory: Buffer }> {
  const client = await MirrorClient.open(port, capacity);
  try {
    await client.update();
    const began = performance.now();
    let updates = 0;
    while (performance.now() - began < durationMs) {
      await client.update();
      updates += 1;
    }
    return { updatesPerSecond: perSecond(updates, performance.now() - began), memory: client.memory };
  } finally {
    client.close();
  }
}

/** The rate of `runBareClient`. */
export async function bareUpdatesPerSecond(
  port: number,
  capacity: number,
  durationMs: number,
): Promise<number> {
  return (await runBareClient(port, capacity, durationMs)).updatesPerSecond;
}

const WARM_UP_MS = 1_000;
/** The first blocks allocate the memory pages of both ends. */
const WARM_UP_BLOCKS = 2;
const WARM_UP_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 50;

/** Blocks of `size` bytes per second, written from one buffer and read into one. */
export async function bareBlocksPerSecond(size: number, durationMs: number): Promise<number> {
  const sender = await BenchProcess.start('tcp-bare', { size, blocks: 1 } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.request<number>('port');
    const settings: TcpBareSettings = { size, blocks: 1, port };
    const receiver = await BenchProcess.start('tcp-bare', settings);
    programs.push(receiver);
    await pause(WARM_UP_MS);
    const deadline = performance.now() + WARM_UP_TIMEOUT_MS;
    let before = await receiver.request<Sample>('sample');
    while (before.bytes < size * WARM_UP_BLOCKS && performance.now() < deadline) {
      await pause(POLL_INTERVAL_MS);
      before = await receiver.request<Sample>('sample');
    }
    await pause(durationMs);
    const after = await receiver.request<Sample>('sample');
    return perSecond((after.bytes - before.bytes) / size, after.atMs - before.atMs);
  } finally {
    await stopAll(programs);
  }
}
