import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type * as Installation from '../../../protocol/base/installation.js';
import {
  PROGRAM_MODULES,
  packageVersion,
  programPath,
  type Program,
} from '../../../protocol/base/installation.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

describe('the installation', () => {
  const directories: string[] = [];
  afterEach(() => {
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });

  /**
   * Another installation that has nothing but this module, and what `files` says, each made at a
   * second.
   */
  async function another(files: Record<string, number>): Promise<typeof Installation> {
    const root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    directories.push(root);
    for (const folder of ['dist/protocol', 'dist/programs'])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{ "name": "mirrorflow" }');
    for (const [file, second] of Object.entries(files)) {
      writeFileSync(join(root, 'dist', file), '');
      utimesSync(join(root, 'dist', file), second, second);
    }
    const module = join(root, 'dist/protocol/installation.mjs');
    copyFileSync(join(ROOT, 'dist/protocol/base/installation.js'), module);
    return (await import(pathToFileURL(module).href)) as typeof Installation;
  }

  it('has every program, and says its version', () => {
    for (const program of Object.keys(PROGRAM_MODULES) as Program[])
      expect(existsSync(programPath(program)), program).to.equal(true);
    expect(readFileSync(join(ROOT, 'package.json'), 'utf8')).to.contain(`"version": "${packageVersion()}"`);
  });

  it('has commands that can be run by their names', () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    for (const file of Object.values(bin)) {
      const said = execFileSync(join(ROOT, file), ['--version'], { encoding: 'utf8' });
      expect(said.trim()).to.equal(packageVersion());
    }
  });

  it('runs a program from its one file', async () => {
    const { programPath } = await another({ '.tsbuildinfo': 100, 'programs/duplicator.cjs': 101 });
    expect(programPath('duplicator')).to.match(/dist\/programs\/duplicator\.cjs$/);
  });

  it('runs what was compiled after that file was made', async () => {
    const { programPath } = await another({ '.tsbuildinfo': 102, 'programs/duplicator.cjs': 101 });
    expect(programPath('duplicator')).to.match(/dist\/duplicator\/main\.js$/);
    expect(programPath('recovery')).to.match(/dist\/duplicator\/recovery\/main\.js$/);
  });
});
