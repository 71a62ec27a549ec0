/**
 * `npm run bench -- python`: the Python package reads and writes buffers of 1 KiB, beside the
 * TypeScript library, and reads a spectrum by name. Starts a system, a simulator and the programs.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BenchProcess, stopAll } from './bench-process.js';
import type { FlowConsumerSettings } from './programs/flow-consumer.js';
import type { FlowProviderSettings } from './programs/flow-provider.js';
import { makeRow, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, startSystem } from './system.js';

const PROGRAM = fileURLToPath(new URL('../../bench/programs/python-rates.py', import.meta.url));
const APP = 'python';
const SIZE = 1024;
const BUFFERS = 4096;
const CONSUMER = { app: APP, size: SIZE, method: 'take', inline: true, copy: false } as const;

export async function python({ durationMs, repeats }: BenchSettings): Promise<Row[]> {
  const system = await startSystem();
  const simulator = await startSimulatorProcess(['--rate', '1000']);
  const seconds = String(durationMs / 1000);
  const figures = {
    read: [] as number[],
    peerRead: [] as number[],
    write: [] as number[],
    spectrum: [] as number[],
  };
  try {
    await system.host.run({ name: APP, source: simulator.address });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const flow = `read${repeat}`;
      figures.read.push(await fromProvider(flow, () => runPython(['read', APP, flow, seconds])));
      figures.peerRead.push(
        await fromProvider(`peer${repeat}`, () => consumerRate(`peer${repeat}`, durationMs)),
      );
      figures.write.push(await writeRate(`write${repeat}`, seconds));
      figures.spectrum.push(await runPython(['spectrum', APP, seconds]));
    }
  } finally {
    await simulator.stop();
    await system.stop();
  }
  const peer = { name: 'TypeScript, take', values: figures.peerRead };
  return [
    makeRow('python', 'reads 1 KiB', 'buffers/s', figures.read, peer),
    makeRow('python', 'writes 1 KiB', 'buffers/s', figures.write),
    makeRow('python', 'spectrum of 4,096 by name', 'us', figures.spectrum),
  ];
}

/** Runs `measure` while a TypeScript program provides the flow. */
async function fromProvider(flow: string, measure: () => Promise<number>): Promise<number> {
  const provided: FlowProviderSettings = {
    app: APP,
    flow,
    size: SIZE,
    buffers: BUFFERS,
    consumers: 1,
    fill: true,
  };
  const provider = await BenchProcess.start('flow-provider', provided);
  try {
    return await measure();
  } finally {
    await stopAll([provider]);
  }
}

async function consumerRate(flow: string, durationMs: number): Promise<number> {
  const settings: FlowConsumerSettings = { ...CONSUMER, flow };
  const consumer = await BenchProcess.start('flow-consumer', settings);
  try {
    const before = await consumer.request<{ buffers: number }>('sample');
    const began = performance.now();
    await pause(durationMs);
    const after = await consumer.request<{ buffers: number }>('sample');
    return ((after.buffers - before.buffers) * 1000) / (performance.now() - began);
  } finally {
    await stopAll([consumer]);
  }
}

/** A TypeScript consumer reads what Python writes. */
async function writeRate(flow: string, seconds: string): Promise<number> {
  let consumer: BenchProcess | undefined;
  try {
    return await runPython(['write', APP, flow, seconds, String(SIZE)], async () => {
      consumer = await BenchProcess.start('flow-consumer', { ...CONSUMER, flow });
    });
  } finally {
    if (consumer !== undefined) await stopAll([consumer]);
  }
}

/** The figure that the program prints; `onReady` runs when it says that it is ready. */
async function runPython(args: readonly string[], onReady?: () => Promise<void>): Promise<number> {
  const interpreter = process.env['MIRRORFLOW_PYTHON'] ?? 'python3';
  const child = spawn(interpreter, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { figure, ready } = JSON.parse(line) as { figure?: number; ready?: true };
    if (ready === true) await onReady?.();
    if (figure !== undefined) return figure;
  }
  throw new Error(`${interpreter} ended without a figure: it must import numpy (MIRRORFLOW_PYTHON)`);
}
