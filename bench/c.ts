/**
 * `npm run bench -- c`: a C program reads buffers of 128 bytes that another one writes, beside a
 * ring of the same shape in plain C, and reads a spectrum by name. Compiles
 * bench/programs/c-rates.c with gcc into a temporary directory; starts a system, a simulator and
 * the programs.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeRow, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { startSimulatorProcess, startSystem } from './system.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIBRARY = `${ROOT}bindings/c`;
const APP = 'c';
const SIZE = '128';
const BUFFERS = '4096';

export async function c({ durationMs, repeats }: BenchSettings): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const program = join(directory, 'c-rates');
  const seconds = String(durationMs / 1000);
  const system = await startSystem();
  const simulator = await startSimulatorProcess(['--rate', '1000']);
  const figures = {
    read: [] as number[],
    plain: [] as number[],
    take: [] as number[],
    plainTake: [] as number[],
    spectrum: [] as number[],
  };
  try {
    const sources = [`${ROOT}bench/programs/c-rates.c`, `${LIBRARY}/mirrorflow.c`];
    execFileSync('gcc', ['-O2', '-I', LIBRARY, ...sources, '-o', program, '-pthread', '-lm']);
    await system.host.run({ name: APP, source: simulator.address });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      figures.read.push(await readRate(program, `read${repeat}`, seconds));
      figures.plain.push(figureOf(program, ['plain', SIZE, BUFFERS, seconds]));
      figures.take.push(figureOf(program, ['take', APP, `take${repeat}`, SIZE, BUFFERS, seconds]));
      figures.plainTake.push(figureOf(program, ['plain-take', SIZE, BUFFERS, seconds]));
      figures.spectrum.push(figureOf(program, ['spectrum', APP, seconds]));
    }
  } finally {
    await simulator.stop();
    await system.stop();
    rmSync(directory, { recursive: true });
  }
  const plain = { name: 'plain C ring', values: figures.plain };
  const plainTake = { name: 'plain C ring', values: figures.plainTake };
  return [
    makeRow('c', 'reads 128 B', 'buffers/s', figures.read, plain),
    makeRow('c', 'takes 128 B that wait', 'buffers per s of processor', figures.take, plainTake),
    makeRow('c', 'spectrum of 4,096 by name', 'us', figures.spectrum),
  ];
}

function figureOf(program: string, args: readonly string[]): number {
  return Number(execFileSync(program, args, { encoding: 'utf8' }));
}

/** One program reads what another one writes until its standard input ends. */
async function readRate(program: string, flow: string, seconds: string): Promise<number> {
  const writer = spawn(program, ['write', APP, flow, SIZE, BUFFERS], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(writer, 'close');
  try {
    await once(createInterface({ input: writer.stdout }), 'line');
    const reader = spawn(program, ['read', APP, flow, seconds], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: reader.stdout }), 'line')) as [string];
    return Number(line);
  } finally {
    writer.stdin.end();
    await ended;
  }
}
