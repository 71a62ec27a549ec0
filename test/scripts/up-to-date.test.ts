/** A build runs again exactly when a source has changed since it (scripts/up-to-date.mjs). */
import { expect } from 'chai';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageFolder } from '../../protocol/base/installation.js';

interface UpToDate {
  readonly isUpToDate: (root: string) => boolean;
  readonly buildFrom: (root: string, build: () => void) => void;
}

describe('state of a build', () => {
  let root: string;
  let script: UpToDate;

  before(async () => {
    script = (await import(
      pathToFileURL(join(packageFolder(), 'scripts', 'up-to-date.mjs')).href
    )) as UpToDate;
  });

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-build-'));
    for (const folder of ['room/below', 'dist']) mkdirSync(join(root, folder), { recursive: true });
    write('tsconfig.json', '{ "include": ["room"] }');
    write('room/below/source.ts', '1');
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function write(path: string, text: string): void {
    writeFileSync(join(root, path), text);
  }

  function build(): void {
    script.buildFrom(root, () => write('dist/.tsbuildinfo', '1'));
  }

  it('is up to date after a build', () => {
    expect(script.isUpToDate(root)).to.equal(false);
    build();
    expect(script.isUpToDate(root)).to.equal(true);
  });

  it('is out of date after a source was changed, added or removed', () => {
    for (const change of [
      () => write('room/below/source.ts', '22'),
      () => write('room/added.ts', '1'),
      () => rmSync(join(root, 'room/added.ts')),
      () => write('package.json', '{}'),
    ]) {
      build();
      change();
      expect(script.isUpToDate(root), String(change)).to.equal(false);
    }
  });

  it('is out of date after a source was replaced by an older one of the same size', () => {
    build();
    utimesSync(join(root, 'room/below/source.ts'), 1, 1);
    expect(script.isUpToDate(root)).to.equal(false);
  });

  it('is out of date after its output was removed or compiled again', () => {
    build();
    utimesSync(join(root, 'dist/.tsbuildinfo'), 1, 1);
    expect(script.isUpToDate(root)).to.equal(false);
    build();
    rmSync(join(root, 'dist/.tsbuildinfo'));
    expect(script.isUpToDate(root)).to.equal(false);
  });

  it('is out of date after a source was changed during the build', () => {
    script.buildFrom(root, () => write('room/below/source.ts', '333'));
    expect(script.isUpToDate(root)).to.equal(false);
  });

  it('is out of date after a build that failed', () => {
    build();
    expect(() =>
      script.buildFrom(root, () => {
        throw new Error('does not compile');
      }),
    ).to.throw('does not compile');
    expect(script.isUpToDate(root)).to.equal(false);
  });
});
