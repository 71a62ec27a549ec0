/**
 * One of the two processes of a litmus run, started by main.ts: `process.js FILE SIDE SECONDS`,
 * SIDE 0 or 1. Maps FILE, and in every round does its side of a shape for all instances, waiting
 * for the other process at a barrier before and after. Side 0 also counts the forbidden outcomes,
 * prints the totals of all shapes as a line of JSON each REPORT_ROUNDS rounds, and stops both after
 * SECONDS.
 */
import { closeSync, openSync } from 'node:fs';
import { mapFile } from '../../protocol/base/files/mapping.js';
import { Words } from '../../protocol/flow/flow-file/words.js';
import { CONTROL, INSTANCE, INSTANCES, SHARED_BYTES, instanceOffset } from './layout.js';
import { SHAPES, type Shape } from './shapes.js';

/** Rounds between two lines of output. */
const REPORT_ROUNDS = 200;

const [file = '', sideWord = '0', secondsWord = '10'] = process.argv.slice(2);
const side = sideWord === '0' ? 0 : 1;
const fd = openSync(file, 'r+');
const words = new Words(mapFile(fd, SHARED_BYTES, 'read-write'));
closeSync(fd);

/**
 * Returns when the other process is at this barrier too, or both are to stop. Barriers are numbered
 * upwards, two per round. Spins: the processes are to run at the same time.
 */
function meet(barrier: number): void {
  words.store64(CONTROL.barrier[side], barrier);
  while (words.load64(CONTROL.barrier[side === 0 ? 1 : 0]) < barrier)
    if (words.load32(CONTROL.stop) === 1) return;
}

/**
 * One round of a shape. A function of its own per shape, so that each is compiled for the one side
 * that it calls.
 */
function runnerOf(shape: Shape): (value: number, offset: number) => void {
  const act = shape.sides[side];
  return (value, offset) => {
    // The sides walk through the same instances, shifted against each other by some of them.
    for (let i = 0; i < INSTANCES; i += 1) act(words, instanceOffset((i + offset) % INSTANCES), value);
  };
}

/** The number of instances whose results are forbidden. */
function forbiddenOutcomes(shape: Shape, value: number): number {
  let count = 0;
  for (let i = 0; i < INSTANCES; i += 1) {
    const at = instanceOffset(i);
    const results = INSTANCE.results.map(
      (place) => [words.plain64(at + place), words.plain64(at + place + 8)] as [number, number],
    );
    if (shape.forbidden(results, value)) count += 1;
  }
  return count;
}

const runners = SHAPES.map(runnerOf);
const tally = SHAPES.map(() => ({ instances: 0, forbidden: 0 }));
const endMs = Date.now() + Number(secondsWord) * 1_000;

for (let round = 1; words.load32(CONTROL.stop) === 0; round += 1) {
  const index = round % SHAPES.length;
  const shape = SHAPES[index];
  const run = runners[index];
  if (shape === undefined || run === undefined) continue;
  meet(2 * round);
  run(round, side === 0 ? 0 : round % 7);
  meet(2 * round + 1);
  if (side === 1) continue;
  const counted = tally[index];
  if (counted !== undefined) {
    counted.instances += INSTANCES;
    counted.forbidden += forbiddenOutcomes(shape, round);
  }
  const done = Date.now() >= endMs;
  if (done || round % REPORT_ROUNDS === 0) process.stdout.write(`${JSON.stringify(tally)}\n`);
  if (done) words.store32(CONTROL.stop, 1);
}
