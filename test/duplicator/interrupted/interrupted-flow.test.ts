/** Flows whose participants are stopped and killed between any two stores to the flow file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { randomBits } from '../../../simulator/random.js';
import { World } from './world.js';

/** Runs of the property; MIRRORFLOW_LONG_TESTS asks for many. */
const IS_LONG = process.env['MIRRORFLOW_LONG_TESTS'] === '1';
const RUNS = IS_LONG ? 20_000 : 400;
const LONG_TIMEOUT_MS = 3_600_000;

describe('a flow whose participants are stopped and killed between any two stores', function () {
  if (IS_LONG) this.timeout(LONG_TIMEOUT_MS);

  it('gives lossless consumers every buffer once and in order, and lossy ones the exact count of the rest', () => {
    const tapes = fc.array(fc.nat(0xffff), { minLength: 50, maxLength: 1_200, size: 'max' });
    fc.assert(
      fc.property(tapes, (tape) => {
        const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
        try {
          new World(directory, tape).run();
        } finally {
          rmSync(directory, { recursive: true, force: true });
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('makes every store and sends every message of the model, and none that the model does not allow', () => {
    const random = randomBits(1);
    const seen = new Map<string, number>();
    for (let course = 0; course < 20; course += 1) {
      const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
      try {
        const world = new World(
          directory,
          Array.from({ length: 600 }, () => random() % 0xffff),
        );
        world.run();
        for (const [action, times] of [...world.actions, ...world.messages])
          seen.set(action, (seen.get(action) ?? 0) + times);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    }
    const stores = ['clear', 'complete', 'publish', 'grant', 'hear'];
    const ofClients = ['C HELLO', 'C START', 'C PUBLISHED', 'C ACK'];
    const ofDuplicators = ['D WELCOME', 'D BEGIN', 'D PUBLISHED', 'D CREDIT'];
    for (const action of [...stores, ...ofClients, ...ofDuplicators])
      expect(seen.get(action) ?? 0, action).to.be.above(20);
  });
});
