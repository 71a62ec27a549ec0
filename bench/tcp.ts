/**
 * `tcp`: filling a flow from another host's duplicator over loopback TCP, through the real processes (provider, duplicator, duplicator, consumer),
 * beside a bare socket pair in Node with blocks of the same size; and the processor time of the two duplicators per gigabyte beside that of the
 * two bare ends.
 */
import { BenchProcess, stopAll } from './bench-process.js';
import { startPair } from './duplicators.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import type { TcpEndSettings } from './programs/tcp-ends.js';
import { row, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { cpuSeconds, pause } from './system.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const WARM_UP_MS = 500;
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

export async function tcp(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { title, size, buffers } of CASES.filter((one) => wanted(settings, one.title))) {
    const ours: Figures[] = [];
    const bare: Figures[] = [];
    for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
      bare.push(await bareFigures(size, settings.durationMs));
      ours.push(await flowFigures(size, buffers, settings.durationMs));
    }
    const peer = (of: keyof Figures) => ({ name: 'bare sockets', values: bare.map((one) => one[of]) });
    const values = (of: keyof Figures): number[] => ours.map((one) => one[of]);
    rows.push(
      row(
        'tcp',
        `${title}: TCP to flow file`,
        'GB/s',
        values('gigabytesPerSecond'),
        peer('gigabytesPerSecond'),
      ),
      row(
        'tcp',
        `${title}: CPU of both ends`,
        's/GB',
        values('cpuSecondsPerGigabyte'),
        peer('cpuSecondsPerGigabyte'),
      ),
    );
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

async function bareFigures(size: number, durationMs: number): Promise<Figures> {
  const sender = await BenchProcess.start('tcp-bare', { size } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.ask<number>('port');
    const receiver = await BenchProcess.start('tcp-bare', { size, port } satisfies TcpBareSettings);
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
    gigabytesPerSecond: (gigabytes * 1000) / (after.atMs - before.atMs),
    cpuSecondsPerGigabyte: (cpu() - cpuBefore) / gigabytes,
  };
}
