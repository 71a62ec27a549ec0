/**
 * `tcp`: filling a flow from another host over loopback TCP, through the real processes (provider,
 * two duplicators, consumer), beside a bare socket pair in Node that sends blocks of the same size,
 * in one block and around as much memory as the ring of the flow; with `integrity` off, since bare
 * sockets have no MAC either (`integrity` measures what it costs). Rates, and the processor time of
 * the two duplicators per gigabyte beside that of the two bare ends. Spawns processes; reads /proc.
 */
import { perSecond } from '../protocol/base/rates.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { startDuplicatorPair, type DuplicatorPair } from './duplicator-pair.js';
import { iperf3Rate } from './iperf3.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import type { TcpEndSettings } from './programs/tcp-ends.js';
import { makeRowPerPeer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { cpuSeconds, pause } from './system.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Time for the compilers; the duplicators have more code to compile than the bare sockets. */
const WARM_UP_MS = 3_000;
/** Processor time comes in ticks of 10 ms. */
const MEASURE_MS_MIN = 1_000;

const CASES = [
  { title: '4 KiB', size: 4 * KIB, buffers: 1_024 },
  { title: '64 KiB', size: 64 * KIB, buffers: 64 },
  { title: '1 MiB', size: MIB, buffers: 8 },
  { title: '8 MiB', size: 8 * MIB, buffers: 4 },
] as const;

export interface Figures {
  readonly gigabytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

export const FLOW_FIGURES = [
  ['TCP to flow file', 'GB/s', 'gigabytesPerSecond'],
  ['CPU of both ends', 's/GB', 'cpuSecondsPerGigabyte'],
] as const;

export async function tcp(settings: BenchSettings): Promise<Row[]> {
  const cases = CASES.filter(({ title }) => isSelected(settings, title));
  settings.run.expect(cases.length);
  const rows: Row[] = [];
  for (const one of cases)
    rows.push(...(await settings.run.measure(one.title, () => measureCase(one, settings))));
  return rows;
}

async function measureCase(
  { title, size, buffers }: (typeof CASES)[number],
  { run, repeats, durationMs }: BenchSettings,
): Promise<Row[]> {
  const flow: Figures[] = [];
  const bare: Figures[] = [];
  const bareRing: Figures[] = [];
  const iperf3: number[] = [];
  for (const _ of run.repetitions(repeats)) {
    bare.push(await measureBareSockets(size, 1, durationMs));
    bareRing.push(await measureBareSockets(size, buffers, durationMs));
    const rate = await iperf3Rate(size, durationMs);
    if (rate !== undefined) iperf3.push(rate);
    const pair = await startDuplicatorPair(size, buffers, 'off');
    flow.push(await measurePair(pair, size, buffers, durationMs));
  }
  return FLOW_FIGURES.flatMap(([what, unit, of]) => {
    const values = (all: readonly Figures[]): number[] => all.map((figures) => figures[of]);
    const peers = [
      { name: 'bare sockets', values: values(bare) },
      { name: 'bare sockets, as much memory', values: values(bareRing) },
      ...(of === 'gigabytesPerSecond' ? [{ name: 'iperf3', values: iperf3 }] : []),
    ];
    return makeRowPerPeer('tcp', `${title}: ${what}`, unit, values(flow), peers);
  });
}

/** Measures a flow through the pair, then stops it. */
export async function measurePair(
  { sender, receiver, senderFile, receiverFile, stop }: DuplicatorPair,
  size: number,
  buffers: number,
  durationMs: number,
): Promise<Figures> {
  const programs: BenchProcess[] = [];
  try {
    const consumerSettings: TcpEndSettings = {
      role: 'consume',
      file: receiverFile,
      link: receiver.link,
      size,
      buffers,
    };
    const consumer = await BenchProcess.start('tcp-ends', consumerSettings);
    programs.push(consumer);
    const providerSettings: TcpEndSettings = {
      role: 'provide',
      file: senderFile,
      link: sender.providerLink,
      size,
      buffers,
    };
    programs.push(await BenchProcess.start('tcp-ends', providerSettings));
    return await measure(consumer, [sender.pid, receiver.pid], durationMs);
  } finally {
    await stopAll(programs);
    await stop();
  }
}

async function measureBareSockets(size: number, blocks: number, durationMs: number): Promise<Figures> {
  const sender = await BenchProcess.start('tcp-bare', { size, blocks } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.request<number>('port');
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
  const before = await receiver.request<Sample>('sample');
  await pause(Math.max(MEASURE_MS_MIN, durationMs));
  const after = await receiver.request<Sample>('sample');
  const gigabytes = (after.bytes - before.bytes) / 1e9;
  return {
    gigabytesPerSecond: perSecond(gigabytes, after.atMs - before.atMs),
    cpuSecondsPerGigabyte: (cpu() - cpuBefore) / gigabytes,
  };
}
