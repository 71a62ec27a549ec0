/** Fuzz target for the files of trends, which a crash or another program may damage. Pure. */
import assert from 'node:assert/strict';
import { decodeFile, encodeRecord, FILE_MAGIC } from '../../../web/server/trends/trend-file.js';
import type { FuzzTarget } from '../fuzzer.js';

export const trendFiles: FuzzTarget = {
  name: 'trend-files',
  dictionary: ['MFTREND1', '["a"]', Buffer.of(1), Buffer.of(2), Buffer.of(17, 0, 0, 0)],
  generate: (random) => {
    const columns = 1 + (random() % 3);
    const points = Array.from({ length: columns }, () => ({ mean: random() % 9, low: 0, high: Number.NaN }));
    return Buffer.concat([
      FILE_MAGIC,
      encodeRecord({ kind: 'columns', keys: points.map((_, index) => `k${index}`) }),
      ...Array.from({ length: random() % 4 }, (_, minute) =>
        encodeRecord({ kind: 'minute', minute, points }),
      ),
    ]);
  },
  run: (input) => {
    const { records, soundBytes, damaged } = decodeFile(input);
    assert(soundBytes <= input.length && damaged >= 0);
    // Whatever was accepted is whole: it has a form that can be written.
    for (const record of records) assert(encodeRecord(record).length <= input.length);
  },
};
