/**
 * The peer `C client` of `spectcl`: a mirror client in C that receives into shared memory as
 * SpecTcl's own, whose head (`programs/c-mirror.c`) states what it does and what not. Compiles and
 * spawns that program.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compiledProgram } from './c-programs.js';

export interface CMirrorRun {
  readonly updatesPerSecond: number;
  readonly cpuMsPerUpdate: number;
  /** Sum of all 32-bit words of the memory, its header included, after the last update. */
  readonly sum: bigint;
}

/**
 * Updates over `durationMs`, after the first one, which is FULL. `directory` is for the program.
 * Undefined where no C compiler is installed. Rejects when a reply is wrong.
 */
export async function runCMirror(
  directory: string,
  port: number,
  channelBytes: number,
  durationMs: number,
): Promise<CMirrorRun | undefined> {
  const program = compiledProgram('c-mirror', directory);
  if (program === undefined) return undefined;
  const args = [port, channelBytes, durationMs / 1000].map(String);
  const { stdout } = await promisify(execFile)(program, args);
  return parseCMirror(stdout);
}

/** The seconds, updates, processor seconds and sum, as the program prints them. */
export function parseCMirror(line: string): CMirrorRun {
  const [seconds, updates, cpuSeconds, sum] = line.trim().split(/\s+/);
  if (sum === undefined || !(Number(seconds) > 0) || !(Number(updates) > 0))
    throw new Error(`c-mirror printed no figures: ${JSON.stringify(line)}`);
  return {
    updatesPerSecond: Number(updates) / Number(seconds),
    cpuMsPerUpdate: (Number(cpuSeconds) * 1000) / Number(updates),
    sum: BigInt(sum),
  };
}

/** The same sum of a display memory. */
export function sumOfWords(memory: Buffer): bigint {
  let sum = 0;
  let total = 0n;
  for (let at = 0; at + 4 <= memory.length; at += 4) {
    sum += memory.readUInt32LE(at);
    if (sum < 2 ** 52) continue;
    total += BigInt(sum); // a double is exact up to 2^53
    sum = 0;
  }
  return total + BigInt(sum);
}
