/**
 * The litmus shapes: for each what process 0 and process 1 do with one instance, by the accessors
 * that rings use, and which results are forbidden. Used by the litmus processes. Pure: the words
 * come in.
 *
 * Every round has a fresh value: `value` is larger than any before, so memory needs no reset, and
 * "the store was seen" means that the value was read.
 */
import type { Words } from '../../protocol/flow/flow-file/words.js';
import { INSTANCE } from './layout.js';

/** What one process does with the instance at `at`. */
type Side = (words: Words, at: number, value: number) => void;

export interface Shape {
  readonly name: string;
  /** The guarantee that the shape tests. */
  readonly claim: string;
  readonly sides: readonly [Side, Side];
  /** `results[p][i]`: what process p stored as its result i. */
  readonly forbidden: (results: readonly (readonly [number, number])[], value: number) => boolean;
  /** Must show its outcome on x86-64, which proves that the harness can see reordering. */
  readonly control?: boolean;
}

const { x, y, results } = INSTANCE;
/** Stores a value that a side has loaded as its result `index`. */
const keep = (words: Words, at: number, side: 0 | 1, index: 0 | 1, found: number): void =>
  words.setPlain64(at + results[side] + index * 8, found);

export const SHAPES: readonly Shape[] = [
  {
    name: 'message passing',
    claim: 'a reader that finds a completed sequence finds what was stored before it',
    sides: [
      (words, at, value) => {
        words.setPlain64(at + x, value);
        words.complete64(at + y, value);
      },
      (words, at) => {
        const flag = words.peek64(at + y);
        const data = words.plain64(at + x);
        keep(words, at, 1, 0, flag);
        keep(words, at, 1, 1, data);
      },
    ],
    forbidden: ([, reader], value) => reader?.[0] === value && reader[1] !== value,
  },
  {
    name: 'load buffering',
    claim: 'a load is never delayed behind a later store',
    sides: [
      (words, at, value) => {
        const found = words.peek64(at + x);
        words.complete64(at + y, value);
        keep(words, at, 0, 0, found);
      },
      (words, at, value) => {
        const found = words.peek64(at + y);
        words.complete64(at + x, value);
        keep(words, at, 1, 0, found);
      },
    ],
    forbidden: ([a, b], value) => a?.[0] === value && b?.[0] === value,
  },
  {
    name: 'coherence',
    claim: 'two loads of a word never see it go back',
    sides: [
      (words, at, value) => words.complete64(at + x, value),
      (words, at) => {
        const first = words.peek64(at + x);
        const second = words.peek64(at + x);
        keep(words, at, 1, 0, first);
        keep(words, at, 1, 1, second);
      },
    ],
    forbidden: ([, reader]) => (reader?.[1] ?? 0) < (reader?.[0] ?? 0),
  },
  {
    name: 'store buffering, fenced',
    claim: 'of a provider and a duplicator that each store one word and load the other, one sees the other',
    sides: [
      (words, at, value) => {
        words.store64(at + x, value);
        keep(words, at, 0, 0, words.load64(at + y));
      },
      (words, at, value) => {
        words.store64(at + y, value);
        keep(words, at, 1, 0, words.load64(at + x));
      },
    ],
    forbidden: ([a, b], value) => a?.[0] !== value && b?.[0] !== value,
  },
  {
    name: 'store buffering, plain (control)',
    claim: 'the harness sees reordering where a fence is missing',
    sides: [
      (words, at, value) => {
        words.setPlain64(at + x, value);
        keep(words, at, 0, 0, words.plain64(at + y));
      },
      (words, at, value) => {
        words.setPlain64(at + y, value);
        keep(words, at, 1, 0, words.plain64(at + x));
      },
    ],
    forbidden: ([a, b], value) => a?.[0] !== value && b?.[0] !== value,
    control: true,
  },
];
