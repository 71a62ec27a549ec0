/**
 * Fuzz targets for the replies of SpecTcl's REST service and of the port manager. Run by the fuzzer
 * (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { randomBits, type RandomBits } from '../../../simulator/random.js';
import {
  ShapeMismatch,
  object,
  readApplications,
  readBindings,
  readGates,
  readInteger,
  readMirrors,
  readSpectra,
  readStatistics,
  readStorageBytes,
  readText,
  readTraces,
  readVariables,
  readVersion,
} from '../../../protocol/spectcl/rest-shapes.js';
import { ServiceListReader, splitTclList } from '../../../protocol/spectcl/service-list.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

const READERS: readonly ((detail: unknown) => unknown)[] = [
  readVersion, readText, readInteger, readStorageBytes, readVariables, readMirrors, readSpectra, readBindings, readStatistics, readGates,
  readApplications, readTraces,
]; // prettier-ignore
/** Members of random objects: those that the readers know, and others. */
const KEYS = [
  'status',
  'detail',
  'name',
  'type',
  'parameters',
  'axes',
  'low',
  'high',
  'bins',
  'id',
  'spectrum',
  'gate',
  'host',
  'memory',
  'major',
  'minor',
  '__proto__',
];

function randomJson(random: RandomBits, depth = 0): unknown {
  switch (random() % (depth > 4 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random() % 2 === 0;
    case 2:
      return [0, -1, 1.5, 1e308, 2 ** 53][random() % 5];
    case 3:
    case 4:
      return ['', 'OK', 'sysv:XA7c', '{a b} c', '8192'][random() % 5];
    case 5:
      return Array.from({ length: random() % 4 }, () => randomJson(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random() % 6 }, () => [
          KEYS[random() % KEYS.length],
          randomJson(random, depth + 1),
        ]),
      );
  }
}

/** Reads the answer by the reader of every request; a mismatch is a right result. */
function readAll(input: Buffer): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(input.toString());
  } catch {
    return;
  }
  let detail: unknown = parsed;
  try {
    ({ detail } = object(parsed, 'the answer'));
  } catch (error) {
    if (!(error instanceof ShapeMismatch)) throw error;
  }
  for (const read of READERS) {
    try {
      read(detail);
    } catch (error) {
      if (!(error instanceof ShapeMismatch)) throw error;
    }
  }
}

export const restReplies: FuzzTarget = {
  name: 'rest-replies',
  dictionary: [
    '{',
    '}',
    '[',
    ']',
    '"status":"OK"',
    '"detail":',
    'null',
    '1e999',
    '"\\ud800"',
    '"__proto__":',
    '[[[[[[[['.repeat(50),
    '\0',
  ],
  generate: (random) => Buffer.from(JSON.stringify({ status: 'OK', detail: randomJson(random) })),
  run: readAll,
};

export const portManager: FuzzTarget = {
  name: 'port-manager',
  dictionary: ['OK\n', 'FAIL ', '{', '}', '"', '\\', '\n', '\r', ' ', '4294967296', '-1', '{{{{'.repeat(100)],
  generate: (random) => {
    const count = random() % 5;
    const lines = Array.from({ length: count }, () => `${random() % 70_000} SpecTcl_REST {a user}\n`);
    return Buffer.from(`OK ${random() % 4 === 0 ? random() : count}\n${lines.join('')}`);
  },
  run: (input, random) => {
    const chunked = new ServiceListReader();
    for (const chunk of chunksOf(input, randomBits(random()))) chunked.push(chunk);
    const whole = new ServiceListReader();
    whole.push(input);
    // The chunks decide which bound is reached first, and so the reason of a refusal.
    const outcome = ({ state }: ServiceListReader): unknown => (state.kind === 'bad' ? 'bad' : state);
    assert.deepEqual(outcome(chunked), outcome(whole));
    splitTclList(input.toString('latin1'));
  },
};
