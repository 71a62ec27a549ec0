/** The files of this installation: programs, commands, bundles. */
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
   * Imports a copy of the module from another directory: below a package.json with `name`, and
   * beside files of `dist`, each with its modification time in seconds.
   */
  async function importCopy(
    files: Record<string, number>,
    name = 'mirrorflow',
  ): Promise<typeof Installation> {
    const root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    directories.push(root);
    for (const folder of ['dist/protocol', 'dist/programs'])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'package.json'), JSON.stringify({ name }));
    for (const [file, second] of Object.entries(files)) {
      writeFileSync(join(root, 'dist', file), '');
      utimesSync(join(root, 'dist', file), second, second);
    }
    const module = join(root, 'dist/protocol/installation.mjs');
    copyFileSync(join(ROOT, 'dist/protocol/base/installation.js'), module);
    return (await import(pathToFileURL(module).href)) as typeof Installation;
  }

  it('an installation contains every program and reports its version', () => {
    for (const program of Object.keys(PROGRAM_MODULES) as Program[])
      expect(existsSync(programPath(program)), program).to.equal(true);
    expect(readFileSync(join(ROOT, 'package.json'), 'utf8')).to.contain(`"version": "${packageVersion()}"`);
  });

  it('the commands of the package can be run by their names', () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      bin: Record<string, string>;
    };
    for (const file of Object.values(bin)) {
      const output = execFileSync(join(ROOT, file), ['--version'], { encoding: 'utf8' });
      expect(output.trim()).to.equal(packageVersion());
    }
  });

  it('a program runs from its bundle', async () => {
    const { programPath } = await importCopy({ '.tsbuildinfo': 100, 'programs/duplicator.cjs': 101 });
    expect(programPath('duplicator')).to.match(/dist\/programs\/duplicator\.cjs$/);
  });

  it('a program that was compiled after its bundle runs from the compiled modules', async () => {
    const { programPath } = await importCopy({ '.tsbuildinfo': 102, 'programs/duplicator.cjs': 101 });
    expect(programPath('duplicator')).to.match(/dist\/duplicator\/main\.js$/);
    expect(programPath('recovery')).to.match(/dist\/duplicator\/recovery\/main\.js$/);
  });

  it('a copy bundled into another package can be imported, and names the remedy when it needs a program', async () => {
    const { programPath, packageVersion } = await importCopy({}, 'experiment-display');
    expect(() => programPath('flow-thread')).to.throw('install it where the bundle runs');
    expect(() => packageVersion()).to.throw('is not installed beside');
  });
});
