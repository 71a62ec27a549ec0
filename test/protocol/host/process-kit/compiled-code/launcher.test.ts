/** A server's second start runs with the code that V8 compiled at the first. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { packageFolder } from '../../../../../protocol/base/installation.js';
import { TemporaryDirectory } from '../../../../kit/temporary-directory.js';

const DIST = join(packageFolder(), 'dist');
const KIT = join(DIST, 'protocol', 'host', 'process-kit');

/** Prints whether its code is yet to be kept, and keeps it as a server does that has settled. */
function program(word: string): string {
  const generation = pathToFileURL(join(KIT, 'young-generation.js')).href;
  const compiled = pathToFileURL(join(KIT, 'compiled-code', 'compiled-code.js')).href;
  return `#!/usr/bin/env node
const state = Symbol.for('mirrorflow.keep-compiled-code') in globalThis ? 'compiled' : 'kept';
const { basename } = require('node:path');
const { constants, runInThisContext } = require('node:vm');
const load = runInThisContext('(url) => import(url)', {
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
process.stdout.write(['${word}', state, basename(__filename), ...process.argv.slice(2)].join(' '));
Promise.all([load('${generation}'), load('${compiled}')]).then(([generation, compiled]) => {
  generation.limitYoungGeneration();
  generation.withDefaultFlags(compiled.keepCompiledCode);
  if (process.argv[2] === 'fail') throw new Error('failed');
});
`;
}

describe('launcher of a server', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => {
    directory = new TemporaryDirectory();
    mkdirSync(directory.file('code'));
    copyFileSync(join(DIST, 'programs', 'duplicator.cjs'), directory.file('program.cjs'));
    writeFileSync(directory.file('code/program.cjs'), program('first'));
  });

  afterEach(() => directory.remove());

  function start(...args: readonly string[]): string {
    return execFileSync(process.execPath, [directory.file('program.cjs'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MIRRORFLOW_CODE_CACHE: directory.file('cache') },
    });
  }

  it('runs the program with its arguments, and with kept code from the second start on', () => {
    expect(start('argument')).to.equal('first compiled program.cjs argument');
    expect(start('argument')).to.equal('first kept program.cjs argument');
  });

  it('compiles a program that was replaced by one of the same size', () => {
    start();
    writeFileSync(directory.file('code/program.cjs'), program('other'));
    expect(start()).to.equal('other compiled program.cjs');
    expect(start()).to.equal('other kept program.cjs');
  });

  it('compiles when the kept code is damaged', () => {
    start();
    const file = join(directory.file('cache'), readdirSync(directory.file('cache'))[0] ?? '');
    const content = readFileSync(file);
    content.fill(0x55, content.length - 100);
    writeFileSync(file, content);
    expect(start()).to.equal('first compiled program.cjs');
  });

  it('names the line of the program in the stack of an error', () => {
    for (const state of ['compiled', 'kept'])
      expect(() => start('fail'), state).to.throw(/code\/program\.cjs:12:\d+/);
  });
});
