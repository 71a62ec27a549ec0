import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { sourceStack } from '../../../protocol/base/source-stack.js';

describe('the stack of an error', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function thrownAt(place: string): Error {
    const error = new Error('no');
    error.stack = `Error: no\n    at work (${place}:1:1)\n    at node:internal/process:3:4`;
    return error;
  }

  it('names the place in the source, for modules and for programs in one file', () => {
    const compiled = join(directory, 'program.cjs');
    // Line 1, column 1 of the file is line 5, column 3 of source.ts.
    const map = { version: 3, file: 'program.cjs', sources: ['source.ts'], names: [], mappings: 'AAIE' };
    writeFileSync(`${compiled}.map`, JSON.stringify(map));
    for (const place of [compiled, pathToFileURL(compiled).href])
      expect(sourceStack(thrownAt(place))).to.match(/at work \(.*source\.ts:5:3\)\n {4}at node:internal/);
  });

  it('is what it is where there is no map, or a broken one', () => {
    const compiled = join(directory, 'program.cjs');
    expect(sourceStack(thrownAt(compiled))).to.contain(`${compiled}:1:1`);
    writeFileSync(`${compiled}.map`, 'not a map');
    expect(sourceStack(thrownAt(compiled))).to.contain(`${compiled}:1:1`);
  });

  it('is that of errors only', () => {
    expect(sourceStack('a string')).to.equal(undefined);
  });
});
