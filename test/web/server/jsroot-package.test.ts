/** Where the viewer finds the optional package jsroot. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { JsrootPackage } from '../../../web/server/jsroot-package.js';

describe('the package jsroot', () => {
  let directory: string;

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  /** Writes a package with what the real one has of use here. */
  function install(folder: string, name = 'jsroot'): string {
    mkdirSync(join(folder, 'build'), { recursive: true });
    const exported = { '.': { import: './modules/main.mjs', require: './build/jsroot.js' } };
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name, version: '7.11.2', exports: exported }),
    );
    for (const file of ['jsroot.js', 'jsroot.min.js']) writeFileSync(join(folder, 'build', file), '');
    return folder;
  }

  function refusal(folder: string): string {
    try {
      JsrootPackage.find(folder, directory);
    } catch (error) {
      if (isMirrorflowError(error) && error.code === 'BAD_OPTION') return error.message;
      throw error;
    }
    throw new Error(`${folder} was accepted`);
  }

  it('is found beside the program, as an import would find it', () => {
    const program = join(directory, 'node_modules', 'mirrorflow');
    mkdirSync(program, { recursive: true });
    install(join(directory, 'node_modules', 'jsroot'));
    expect(JsrootPackage.find(undefined, program)?.version).to.equal('7.11.2');
  });

  it('may be missing', () => {
    expect(JsrootPackage.find(undefined, directory)).to.equal(undefined);
  });

  it('is not taken from the working directory', () => {
    const program = join(directory, 'installed', 'mirrorflow');
    mkdirSync(program, { recursive: true });
    const working = join(directory, 'working');
    install(join(working, 'node_modules', 'jsroot'));
    const before = process.cwd();
    process.chdir(working);
    try {
      expect(JsrootPackage.find(undefined, program)).to.equal(undefined);
    } finally {
      process.chdir(before);
    }
  });

  it('is taken from the named folder, which is refused with the reason when it is another', () => {
    expect(JsrootPackage.find(install(join(directory, 'a')), directory)?.version).to.equal('7.11.2');
    expect(refusal(join(directory, 'missing'))).to.match(/no such file/);
    expect(refusal(install(join(directory, 'b'), 'other'))).to.match(/its package\.json is that of "other"/);
    expect(refusal('relative')).to.match(/it must be an absolute path/);
  });
});
