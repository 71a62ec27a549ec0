/** Stack traces with positions in the sources. Writes a temporary directory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { sourceStack } from '../../../protocol/base/source-stack.js';

describe('stack traces of errors', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function thrownAt(position: string): Error {
    const error = new Error('no');
    error.stack = `Error: no\n    at work (${position}:1:1)\n    at node:internal/process:3:4`;
    return error;
  }

  it('a stack trace names the position in the source, for modules and for bundled programs', () => {
    const compiled = join(directory, 'program.cjs');
    // Line 1, column 1 of the file is line 5, column 3 of source.ts.
    const map = { version: 3, file: 'program.cjs', sources: ['source.ts'], names: [], mappings: 'AAIE' };
    writeFileSync(`${compiled}.map`, JSON.stringify(map));
    for (const position of [compiled, pathToFileURL(compiled).href])
      expect(sourceStack(thrownAt(position))).to.match(/at work \(.*source\.ts:5:3\)\n {4}at node:internal/);
  });

  it('a stack trace keeps compiled positions where there is no source map, or a malformed one', () => {
    const compiled = join(directory, 'program.cjs');
    expect(sourceStack(thrownAt(compiled))).to.contain(`${compiled}:1:1`);
    writeFileSync(`${compiled}.map`, 'not a map');
    expect(sourceStack(thrownAt(compiled))).to.contain(`${compiled}:1:1`);
  });

  it('a thrown value that is not an Error has no stack trace', () => {
    expect(sourceStack('a string')).to.equal(undefined);
  });
});
