/**
 * `npm run bench -- c`: a C program reads buffers of 128 bytes that another one writes, and takes
 * and writes them in one thread; beside a ring of the same shape in plain C, with a third process
 * that grants credit. Reads a spectrum by name. Compiles bench/programs/c-rates.c and c-plain.c,
 * whose head states what the plain ring does not do, with the machine's C compiler into a temporary
 * directory; starts a system, a simulator and the programs.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, type Client } from '../client-lib/index.js';
import { packageFolder } from '../protocol/base/installation.js';
import { compiledProgram } from './c-programs.js';
import { makeRow, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { startSimulatorProcess, startSystem } from './system.js';

const LIBRARY = {
  sources: ['bindings/c/mirrorflow.c'],
  options: ['-I', join(packageFolder(), 'bindings/c'), '-pthread', '-lm'],
};
const APP = 'c';
const SIZE = '128';
const BUFFERS = '4096';

export async function c(settings: BenchSettings): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  try {
    const program = compiledProgram('c-rates', directory, LIBRARY);
    const plainProgram = compiledProgram('c-plain', directory);
    if (program !== undefined && plainProgram !== undefined)
      return await measure(program, plainProgram, settings);
    process.stdout.write('c: not measured, since no C compiler is installed\n');
    return [];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function measure(
  program: string,
  plainProgram: string,
  { durationMs, repeats }: BenchSettings,
): Promise<Row[]> {
  const seconds = String(durationMs / 1000);
  const system = await startSystem();
  const simulator = await startSimulatorProcess(['--rate', '1000']);
  const figures = {
    read: [] as number[],
    plain: [] as number[],
    used: [] as number[],
    plainUsed: [] as number[],
    take: [] as number[],
    plainTake: [] as number[],
    write: [] as number[],
    plainWrite: [] as number[],
    spectrum: [] as number[],
  };
  let client: Client | undefined;
  try {
    await system.host.run({ name: APP, source: simulator.address });
    client = await connect({ app: APP, name: 'bench' });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      const [read, used] = await readFigures(program, client, `read${repeat}`, seconds);
      const [plain, plainUsed] = figuresOf(plainProgram, ['read', SIZE, BUFFERS, seconds]);
      figures.read.push(read ?? Number.NaN);
      figures.used.push(used ?? Number.NaN);
      figures.plain.push(plain ?? Number.NaN);
      figures.plainUsed.push(plainUsed ?? Number.NaN);
      const [take, write] = figuresOf(program, ['take', APP, `take${repeat}`, SIZE, BUFFERS, seconds]);
      const [plainTake, plainWrite] = figuresOf(plainProgram, ['take', SIZE, BUFFERS, seconds]);
      figures.take.push(take ?? Number.NaN);
      figures.write.push(write ?? Number.NaN);
      figures.plainTake.push(plainTake ?? Number.NaN);
      figures.plainWrite.push(plainWrite ?? Number.NaN);
      figures.spectrum.push(...figuresOf(program, ['spectrum', APP, seconds]));
    }
  } finally {
    await client?.close();
    await simulator.stop();
    await system.stop();
  }
  const plain = { name: 'plain C ring', values: figures.plain };
  const plainUsed = { name: 'plain C ring', values: figures.plainUsed };
  const plainTake = { name: 'plain C ring', values: figures.plainTake };
  const plainWrite = { name: 'plain C ring', values: figures.plainWrite };
  return [
    makeRow('c', 'reads 128 B', 'buffers/s', figures.read, plain),
    makeRow('c', 'CPU of all processes of it', 'ns per buffer', figures.used, plainUsed),
    makeRow('c', 'takes 128 B that wait', 'buffers per s of processor', figures.take, plainTake),
    makeRow('c', 'writes 128 B', 'buffers per s of processor', figures.write, plainWrite),
    makeRow('c', 'spectrum of 4,096 by name', 'us', figures.spectrum),
  ];
}

function figuresOf(program: string, args: readonly string[]): number[] {
  return execFileSync(program, args, { encoding: 'utf8' }).trim().split(' ').map(Number);
}

/** One program reads what another one writes until its standard input ends. */
async function readFigures(
  program: string,
  client: Client,
  flow: string,
  seconds: string,
): Promise<number[]> {
  const writer = spawn(program, ['write', APP, flow, SIZE, BUFFERS], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(writer, 'close');
  try {
    await once(createInterface({ input: writer.stdout }), 'line');
    const duplicator = (await client.flows()).find((info) => info.flow === flow)?.pid;
    const others = [writer.pid, duplicator].map(String);
    const args = ['read', APP, flow, SIZE, seconds, ...others];
    const reader = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: reader.stdout }), 'line')) as [string];
    return line.split(' ').map(Number);
  } finally {
    writer.stdin.end();
    await ended;
  }
}
