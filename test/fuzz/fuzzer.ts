/**
 * The fuzzer: seeds and freshly made inputs, changed and given to a parser, again and again. A
 * parser fails when it throws what it does not promise, breaks what its target checks, takes a
 * second of processor time for one input, or makes the process grow without bound.
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
  /** Pieces of the format, put in where they may do harm. */
  readonly words: readonly (string | Buffer)[];
  /** Makes a new, more or less right input. */
  readonly generate: (random: RandomBits) => Buffer;
  /**
   * Gives the input to the parser and checks what came of it. May throw a MirrorflowError, and
   * nothing else.
   */
  readonly run: (input: Buffer, random: RandomBits) => void;
  /** What it holds is given back. */
  readonly close?: () => void;
}

export interface FuzzResult {
  readonly name: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Inputs that the parser took. */
  readonly accepted: number;
  /** How much the process grew over the last nine tenths, MiB. */
  readonly grownMiB: number;
}

const SEEDS = fileURLToPath(new URL('../../../test/fuzz/seeds/', import.meta.url));
const HANG_MS = 1_000;
const GROWTH_MAX_MIB = 300;
/**
 * Inputs between two looks at the clocks, and turns of the event loop, in which promises settle and
 * mapped memory is given back.
 */
const PROGRESS_EVERY = 64;

/** Inputs that are kept, found or thought of: every file of the target's folder. */
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
 * Runs so many inputs. Rejects with what the parser did wrong, with the place where the input was
 * kept.
 */
export async function fuzz(
  target: FuzzTarget,
  inputs: number,
  seed: number,
  progress: (done: number) => void = () => undefined,
): Promise<FuzzResult> {
  const random = randomBits(seed);
  const seeds = seedsOf(target.name);
  const words = target.words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
  const begun = performance.now();
  const watch = new Watch();
  let accepted = 0;
  let early = 0;
  // Refusals are errors, and most of the time would go into their stacks; a failure is run again
  // with one.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let count = 0; count < inputs; count += 1) {
      if (count === Math.floor(inputs / 10)) early = residentMiB();
      if (count % PROGRESS_EVERY === 0) {
        progress(count);
        await setImmediate();
        watch.begin();
      }
      const asItIs = count < seeds.length;
      const base = (asItIs ? seeds[count] : random() % 2 === 0 ? seeds[random() % seeds.length] : undefined) ?? target.generate(random); // prettier-ignore
      const input = asItIs || random() % 8 === 0 ? base : mutate(base, random, seeds, words);
      if (isTaken(target, input, random)) accepted += 1;
      if (watch.isLate()) throw failure(target, input, new Error(`one input took more than ${HANG_MS} ms`));
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    target.close?.();
  }
  const grownMiB = residentMiB() - early;
  if (grownMiB > GROWTH_MAX_MIB)
    throw new Error(`${target.name}: the process grew by ${Math.round(grownMiB)} MiB over ${inputs} inputs`);
  return {
    name: target.name,
    inputs,
    accepted,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
    grownMiB: Math.round(grownMiB),
  };
}

/** Processor time: the machine may have other work to do, which is nobody's fault. */
class Watch {
  #beganMs = 0;
  #used = process.cpuUsage();

  begin(): void {
    this.#beganMs = performance.now();
    this.#used = process.cpuUsage();
  }

  /**
   * Whether more was used since `begin` than any input may; a few that are in order come nowhere
   * near it.
   */
  isLate(): boolean {
    return performance.now() - this.#beganMs > HANG_MS && process.cpuUsage(this.#used).user > HANG_MS * 1000;
  }
}

function isTaken(target: FuzzTarget, input: Buffer, random: RandomBits): boolean {
  try {
    target.run(input, random);
    return true;
  } catch (error) {
    if (isMirrorflowError(error)) return false;
    throw failure(target, input, withStack(target, input, random) ?? error);
  }
}

/**
 * What the input fails with when it is run again, with its stack; undefined when it does not fail
 * again.
 */
function withStack(target: FuzzTarget, input: Buffer, random: RandomBits): unknown {
  Error.stackTraceLimit = 30;
  try {
    target.run(input, random);
  } catch (error) {
    if (!isMirrorflowError(error)) return error;
  }
  return undefined;
}

/** The input is kept, so that it is tried from then on. */
function failure(target: FuzzTarget, input: Buffer, cause: unknown): Error {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12);
  mkdirSync(join(SEEDS, target.name), { recursive: true });
  const path = join(SEEDS, target.name, `found-${hash}`);
  writeFileSync(path, input);
  return new Error(
    `${target.name}: ${cause instanceof Error ? cause.stack : String(cause)}\ninput kept in ${path}`,
    {
      cause,
    },
  );
}

function residentMiB(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}
