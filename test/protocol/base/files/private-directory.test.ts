/** Which directories are created, accepted and refused. Writes a temporary directory. */
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { isUsableDirectory, prepareDirectory } from '../../../../protocol/base/files/private-directory.js';
import { needsRoot } from '../../../kit/requirements.js';

describe('private directories', () => {
  const uid = process.getuid?.() ?? 0;
  let base = '';
  let path = '';

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(base, 'runtime');
  });

  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const refused = (): Chai.Assertion =>
    expect(() => prepareDirectory(path))
      .to.throw()
      .with.property('code');

  it('a directory is created with the given mode whatever the umask, and accepted again', () => {
    prepareDirectory(path, { mode: 0o770 & ~0o020 });
    prepareDirectory(path);
    expect(lstatSync(path).mode & 0o777).to.equal(0o750);
    expect(isUsableDirectory(path, uid, true)).to.equal(true);
  });

  it('a directory is not created in a missing parent', () => {
    expect(() => prepareDirectory(join(base, 'missing', 'runtime'))).to.throw(/missing does not exist/);
  });

  it('a symbolic link is refused', () => {
    mkdirSync(join(base, 'target'), { mode: 0o750 });
    symlinkSync(join(base, 'target'), path);
    refused().that.equals('NOT_PERMITTED');
    expect(() => isUsableDirectory(path, uid, true)).to.throw('symbolic link');
  });

  it('a file in the place of the directory is refused', () => {
    writeFileSync(path, '');
    refused().that.equals('NOT_PERMITTED');
  });

  it('a directory that its group or all users can write is refused', () => {
    for (const mode of [0o770, 0o757]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
      chmodSync(path, mode);
      refused().that.equals('NOT_PERMITTED');
      expect(() => isUsableDirectory(path, uid, true)).to.throw(mode.toString(8));
    }
  });

  it('a directory that any user could replace is refused', () => {
    chmodSync(base, 0o777);
    refused().that.equals('NOT_PERMITTED');
  });

  it('a directory of another user is refused', function () {
    needsRoot(this, 'creating a directory of another user');
    mkdirSync(path, { mode: 0o750 });
    chownSync(path, 12_345, 12_345);
    refused().that.equals('NOT_PERMITTED');
    expect(() => isUsableDirectory(path, 1000, true)).to.throw('belongs to user 12345');
    expect(isUsableDirectory(path, 1000, false)).to.equal(true);
  });

  it('a directory is given to the stated group', function () {
    needsRoot(this, 'creating a directory of another user');
    prepareDirectory(path, { mode: 0o2750, group: 12_345 });
    const stats = lstatSync(path);
    expect(stats.gid).to.equal(12_345);
    expect(stats.mode & 0o7777).to.equal(0o2750);
  });

  it('a directory that does not exist is not usable', () => {
    expect(isUsableDirectory(path, uid, true)).to.equal(false);
  });
});
