/**
 * The peer `C` of `fanout`: a ring of the same shape in plain C, with as many processes that read
 * it, whose head (`programs/c-fanout.c`) states what it does and what not. Compiles and spawns that
 * program.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compiledProgram } from './c-programs.js';
import type { FanoutShape } from './fanout-peers.js';
import type { Rates } from './rates.js';
import { median } from './report.js';

/** Time in which the pages of the ring are allocated; nothing has to be compiled. */
const WARM_UP_S = 1;
/** The program holds tables of this length. */
const READERS_MAX = 64;

export function fitsCRing({ consumers }: FanoutShape): boolean {
  return consumers <= READERS_MAX;
}

/** Undefined where no C compiler is installed. Rejects when a reader got a wrong buffer. */
export async function cFanoutRates(
  { consumers, size, buffers, copies }: FanoutShape,
  directory: string,
  durationMs: number,
): Promise<Rates | undefined> {
  const program = compiledProgram('c-fanout', directory);
  if (program === undefined) return undefined;
  const mode = copies ? 'copy' : 'borrow';
  const args = [size, buffers, consumers, mode, WARM_UP_S, durationMs / 1000].map(String);
  const { stdout } = await promisify(execFile)(program, args);
  return parseCFanout(stdout, size);
}

/** The seconds, processor seconds and buffers of each reader, as the program prints them. */
export function parseCFanout(line: string, size: number): Rates {
  const [seconds = Number.NaN, cpuSeconds = Number.NaN, ...buffers] = line.trim().split(/\s+/).map(Number);
  const total = buffers.reduce((sum, count) => sum + count, 0);
  if (!(seconds > 0) || !(cpuSeconds >= 0) || !(total > 0))
    throw new Error(`c-fanout printed no figures: ${JSON.stringify(line)}`);
  return {
    buffersEach: median(buffers) / seconds,
    bytesTogether: (total * size) / seconds,
    cpuNsPerBuffer: (cpuSeconds * 1e9) / (total / buffers.length),
  };
}
