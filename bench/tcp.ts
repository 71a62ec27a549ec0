/**
 * `tcp`: filling a flow from another host's duplicator over loopback TCP, through the real
 * processes (provider, duplicator, duplicator, consumer), beside a bare socket pair in Node with
 * blocks of the same size, and one that goes around in as much memory; and the processor time of
 * the two duplicators per gigabyte beside that of the two bare ends.
 */
import { perSecond } from '../protocol/base/rates.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { startPair } from './duplicators.js';
import { iperf3Rate } from './iperf3.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import type { TcpEndSettings } from './programs/tcp-ends.js';
import { rowsOf, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { cpuSeconds, pause } from './system.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Until then compilers are still at work, on the duplicators' side more than on the bare one. */
const WARM_UP_MS = 3_000;
/** Processor time is counted in hundredths of a second. */
const MEASURE_MS_MIN = 1_000;

const CASES = [
  { title: '4 KiB', size: 4 * KIB, buffers: 1_024 },
  { title: '64 KiB', size: 64 * KIB, buffers: 64 },
  { title: '1 MiB', size: MIB, buffers: 8 },
  { title: '8 MiB', size: 8 * MIB, buffers: 4 },
] as const;

interface Figures {
  readonly gigabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

const FIGURES = [
  ['TCP to flow file', 'GB/s', 'gigabytesPerSecond'],
  ['CPU of both ends', 's/GB', 'cpuSecondsPerGigabyte'],
] as const;

export async function tcp(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { title, size, buffers } of CASES.filter((one) => wanted(settings, one.title))) {
    const ours: Figures[] = [];
    const bare: Figures[] = [];
    const around: Figures[] = [];
    const iperf3: number[] = [];
    for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
      bare.push(await bareFigures(size, 1, settings.durationMs));
      around.push(await bareFigures(size, buffers, settings.durationMs));
      const rate = await iperf3Rate(size, settings.durationMs);
      if (rate !== undefined) iperf3.push(rate);
      ours.push(await flowFigures(size, buffers, settings.durationMs));
    }
    for (const [what, unit, of] of FIGURES) {
      const values = (all: readonly Figures[]): number[] => all.map((one) => one[of]);
      const peers = [
        { name: 'bare sockets', values: values(bare) },
        { name: 'bare sockets, as much memory', values: values(around) },
        ...(of === 'gigabytesPerSecond' ? [{ name: 'iperf3', values: iperf3 }] : []),
      ];
      rows.push(...rowsOf('tcp', `${title}: ${what}`, unit, values(ours), peers));
    }
  }
  return rows;
}

async function flowFigures(size: number, buffers: number, durationMs: number): Promise<Figures> {
  const { sender, receiver, senderFile, receiverFile, stop } = await startPair(size, buffers);
  const programs: BenchProcess[] = [];
  try {
    const there: TcpEndSettings = { what: 'consume', file: receiverFile, link: receiver.link, size, buffers };
    const consumer = await BenchProcess.start('tcp-ends', there);
    programs.push(consumer);
    const here: TcpEndSettings = { what: 'provide', file: senderFile, link: sender.link, size, buffers };
    programs.push(await BenchProcess.start('tcp-ends', here));
    return await measure(consumer, [sender.pid, receiver.pid], durationMs);
  } finally {
    await stopAll(programs);
    await stop();
  }
}

async function bareFigures(size: number, blocks: number, durationMs: number): Promise<Figures> {
  const sender = await BenchProcess.start('tcp-bare', { size, blocks } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.ask<number>('port');
    const receiver = await BenchProcess.start('tcp-bare', { size, blocks, port } satisfies TcpBareSettings);
    programs.push(receiver);
    return await measure(receiver, [sender.pid, receiver.pid], durationMs);
  } finally {
    await stopAll(programs);
  }
}

async function measure(
  receiver: BenchProcess,
  pids: readonly number[],
  durationMs: number,
): Promise<Figures> {
  const cpu = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  await pause(WARM_UP_MS);
  const cpuBefore = cpu();
  const before = await receiver.ask<Sample>('sample');
  await pause(Math.max(MEASURE_MS_MIN, durationMs));
  const after = await receiver.ask<Sample>('sample');
  const gigabytes = (after.bytes - before.bytes) / 1e9;
  return {
    gigabytesPerSecond: perSecond(gigabytes, after.atMs - before.atMs),
    cpuSecondsPerGigabyte: (cpu() - cpuBefore) / gigabytes,
  };
}
