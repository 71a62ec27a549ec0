/**
 * The fuzzer: passes stored inputs (seeds) and generated ones, mutated, to a parser. A parser fails
 * when it throws anything but a MirrorflowError, violates an assertion of its target, takes a
 * second of processor time for one input, or makes the process grow without bound. Used by
 * `fuzz.test.ts` and `npm run fuzz`. Writes each failing input to `test/fuzz/seeds`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomBits, type RandomBits } from '../../simulator/random.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { mutate } from './mutation.js';

export interface FuzzTarget {
  readonly name: string;
  /** Fragments of the format, which mutations insert anywhere. */
  readonly dictionary: readonly (string | Buffer)[];
  /** Returns a new input that is valid or nearly valid. */
  readonly generate: (random: RandomBits) => Buffer;
  /** Passes the input to the parser and checks the result. Throws a MirrorflowError to refuse. */
  readonly run: (input: Buffer, random: RandomBits) => void;
  /** Releases files and memory of the target. */
  readonly close?: () => void;
}

export interface FuzzResult {
  readonly name: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Inputs that the parser accepted. */
  readonly accepted: number;
  /** Growth of the process over the last nine tenths of the inputs. */
  readonly grownMiB: number;
}

const SEEDS = fileURLToPath(new URL('../../../test/fuzz/seeds/', import.meta.url));
const HANG_MS = 1_000;
const GROWTH_MAX_MIB = 300;
/**
 * Inputs between two progress reports. Each report starts a new time limit and a new turn of the
 * event loop, in which promises settle and mapped memory is released.
 */
const PROGRESS_EVERY = 64;

/** The stored inputs of a target: the files in its folder of seeds. */
export function seedsOf(name: string): Buffer[] {
  try {
    return readdirSync(join(SEEDS, name))
      .toSorted()
      .map((file) => readFileSync(join(SEEDS, name, file)));
  } catch {
    return [];
  }
}

/**
 * Runs this number of inputs; the same `seed` gives the same inputs. Rejects with the failure of
 * the parser and the path of the stored input.
 */
export async function fuzz(
  target: FuzzTarget,
  inputs: number,
  seed: number,
  progress: (done: number) => void = () => undefined,
): Promise<FuzzResult> {
  const random = randomBits(seed);
  const seeds = seedsOf(target.name);
  const dictionary = target.dictionary.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
  const startMs = performance.now();
  const watch = new Watch();
  let accepted = 0;
  let initialMiB = 0;
  // Refusals are errors, and building their stacks would take most of the time; a failing input is
  // run again to get its stack.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let count = 0; count < inputs; count += 1) {
      if (count === Math.floor(inputs / 10)) initialMiB = residentMiB();
      if (count % PROGRESS_EVERY === 0) {
        progress(count);
        await setImmediate();
        watch.begin();
      }
      const isSeed = count < seeds.length;
      const base = (isSeed ? seeds[count] : random() % 2 === 0 ? seeds[random() % seeds.length] : undefined) ?? target.generate(random); // prettier-ignore
      const input = isSeed || random() % 8 === 0 ? base : mutate(base, random, seeds, dictionary);
      if (isAccepted(target, input, random)) accepted += 1;
      if (watch.isLate()) throw failure(target, input, new Error(`an input took more than ${HANG_MS} ms`));
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    target.close?.();
  }
  const grownMiB = residentMiB() - initialMiB;
  if (grownMiB > GROWTH_MAX_MIB)
    throw new Error(`${target.name}: the process grew by ${Math.round(grownMiB)} MiB over ${inputs} inputs`);
  return {
    name: target.name,
    inputs,
    accepted,
    seconds: Math.round((performance.now() - startMs) / 100) / 10,
    grownMiB: Math.round(grownMiB),
  };
}

/** Measures processor time, since other work of the machine may delay an input. */
class Watch {
  #startMs = 0;
  #startUsage = process.cpuUsage();

  begin(): void {
    this.#startMs = performance.now();
    this.#startUsage = process.cpuUsage();
  }

  /**
   * Whether more processor time was used since `begin` than the limit for one input; normal inputs
   * together use a small fraction of it.
   */
  isLate(): boolean {
    return (
      performance.now() - this.#startMs > HANG_MS && process.cpuUsage(this.#startUsage).user > HANG_MS * 1000
    );
  }
}

function isAccepted(target: FuzzTarget, input: Buffer, random: RandomBits): boolean {
  try {
    target.run(input, random);
    return true;
  } catch (error) {
    if (isMirrorflowError(error)) return false;
    throw failure(target, input, errorWithStack(target, input, random) ?? error);
  }
}

/** Runs the input again and returns its error with a stack; undefined if it does not fail again. */
function errorWithStack(target: FuzzTarget, input: Buffer, random: RandomBits): unknown {
  Error.stackTraceLimit = 30;
  try {
    target.run(input, random);
  } catch (error) {
    if (!isMirrorflowError(error)) return error;
  }
  return undefined;
}

/** Stores the input as a seed, so that every later run includes it, and returns the error. */
function failure(target: FuzzTarget, input: Buffer, cause: unknown): Error {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12);
  mkdirSync(join(SEEDS, target.name), { recursive: true });
  const path = join(SEEDS, target.name, `found-${hash}`);
  writeFileSync(path, input);
  return new Error(
    `${target.name}: ${cause instanceof Error ? cause.stack : String(cause)}\nthe input is stored in ${path}`,
    {
      cause,
    },
  );
}

function residentMiB(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}
