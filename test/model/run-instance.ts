/**
 * Runs spin on one instance of the model: generates its verifier, compiles it with gcc and searches
 * all its states. Used by flow.test.ts and main.ts. Writes a temporary directory and removes it,
 * but for the trail of an unexpected counterexample.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFolder } from '../../protocol/base/installation.js';
import { VIOLATIONS, type Instance } from './instances.js';

const SOURCE = 'flow.pml';
/** Bounds of one search: steps of a path, and memory in MB. */
const DEPTH_MAX = 200_000;
const MEMORY_MB = 7_000;

export interface Search {
  /** As the instance requires: the properties hold, or its counterexample was found. */
  readonly asRequired: boolean;
  /** What spin reports: `holds`, or the text of the violation. */
  readonly result: string;
  readonly states: number;
  /** Duration of the whole run with compilation, by the wall clock. */
  readonly seconds: number;
  readonly memoryMb: number;
  /** Directory with the verifier and the trail; only when the result is not as required. */
  readonly kept: string | undefined;
}

/** The program that is missing; undefined when all are there. */
export function missingProgram(): string | undefined {
  for (const [program, word] of [
    ['spin', '-V'],
    ['gcc', '--version'],
  ] as const)
    if (spawnSync(program, [word]).error !== undefined) return program;
  return undefined;
}

/** Throws when spin or gcc fail, or the search ends before all states were seen. */
export function search(instance: Instance): Search {
  const directory = mkdtempSync(join(tmpdir(), `mirrorflow-model-${instance.name}-`));
  const started = performance.now();
  copyFileSync(join(packageFolder(), 'test', 'model', SOURCE), join(directory, SOURCE));
  const macros = Object.entries(instance.macros).map(([name, value]) => `-D${name}=${value}`);
  run(directory, 'spin', ['-a', ...macros, SOURCE]);
  const kind = instance.cycles === true ? ['-DNP'] : ['-DSAFETY', '-DNOFAIR'];
  // Its reduction finds nothing to leave out, and is not valid with every construct of the model.
  const options = ['-O2', '-w', '-DCOLLAPSE', '-DNOREDUCE', `-DMEMLIM=${MEMORY_MB}`, ...kind];
  run(directory, 'gcc', [...options, '-o', 'pan', 'pan.c']);
  const words = instance.cycles === true ? ['-l', '-f'] : [];
  const { stdout } = run(directory, 'nice', ['./pan', `-m${DEPTH_MAX}`, ...words]);
  const violation = /^pan:\d+: (.*) \(at depth \d+\)/m.exec(stdout)?.[1];
  const errors = numberIn(stdout, /errors: (\d+)/);
  const isComplete = errors > 0 || !/max search depth too small|not completed/i.test(stdout);
  if (!isComplete) throw new Error(`the search of ${instance.name} is not exhaustive:\n${stdout}`);
  const required = instance.violation === undefined ? undefined : VIOLATIONS[instance.violation];
  const asRequired =
    required === undefined ? errors === 0 : errors > 0 && violation?.includes(required) === true;
  if (asRequired) rmSync(directory, { recursive: true });
  return {
    asRequired,
    result: errors === 0 ? 'holds' : (violation ?? 'error'),
    states: numberIn(stdout, /([\d.e+]+) states, stored/),
    seconds: (performance.now() - started) / 1000,
    memoryMb: numberIn(stdout, /([\d.]+)\s+total actual memory usage/),
    kept: existsSync(directory) ? directory : undefined,
  };
}

function run(directory: string, program: string, words: readonly string[]): SpawnSyncReturns<string> {
  const result = spawnSync(program, words, { cwd: directory, encoding: 'utf8' });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0 && !/error:/i.test(program === 'spin' ? result.stdout : '')) return result;
  throw new Error(`${program} ${words.join(' ')} failed in ${directory}:\n${result.stdout}${result.stderr}`);
}

function numberIn(text: string, pattern: RegExp): number {
  const value = Number(pattern.exec(text)?.[1]);
  if (Number.isNaN(value)) throw new Error(`spin's report has no ${pattern.source}:\n${text}`);
  return value;
}
