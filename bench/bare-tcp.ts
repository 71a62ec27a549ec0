/**
 * The other peer of `spectcl`: as many bytes as an update has, again and again over a bare loopback
 * socket pair, each end a process.
 */
import { BenchProcess, stopAll } from './bench-process.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import { pause } from './system.js';

const WARM_UP_MS = 1_000;
/** By then the pages of both ends are there, too. */
const WARM_UP_BLOCKS = 2;
const WARM_UP_MS_MAX = 20_000;
const LOOK_MS = 50;

/** Blocks of `size` bytes per second, written out of one and read into one. */
export async function bareBlocksPerSecond(size: number, forMs: number): Promise<number> {
  const sender = await BenchProcess.start('tcp-bare', { size, blocks: 1 } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.ask<number>('port');
    const settings: TcpBareSettings = { size, blocks: 1, port };
    const receiver = await BenchProcess.start('tcp-bare', settings);
    programs.push(receiver);
    await pause(WARM_UP_MS);
    const deadline = performance.now() + WARM_UP_MS_MAX;
    let before = await receiver.ask<Sample>('sample');
    while (before.bytes < size * WARM_UP_BLOCKS && performance.now() < deadline) {
      await pause(LOOK_MS);
      before = await receiver.ask<Sample>('sample');
    }
    await pause(forMs);
    const after = await receiver.ask<Sample>('sample');
    return ((after.bytes - before.bytes) / size / (after.atMs - before.atMs)) * 1000;
  } finally {
    await stopAll(programs);
  }
}
