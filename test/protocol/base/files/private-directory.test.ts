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

describe('a private directory', () => {
  const isRoot = process.getuid?.() === 0;
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

  it('is created with the stated mode, whatever the umask, and accepted again', () => {
    prepareDirectory(path, { mode: 0o770 & ~0o020 });
    prepareDirectory(path);
    expect(lstatSync(path).mode & 0o777).to.equal(0o750);
    expect(isUsableDirectory(path, uid, true)).to.equal(true);
  });

  it('is not created below a missing parent', () => {
    expect(() => prepareDirectory(join(base, 'missing', 'runtime'))).to.throw(/missing is not there/);
  });

  it('is refused when it is a symbolic link', () => {
    mkdirSync(join(base, 'target'), { mode: 0o750 });
    symlinkSync(join(base, 'target'), path);
    refused().that.equals('NOT_PERMITTED');
    expect(() => isUsableDirectory(path, uid, true)).to.throw('symbolic link');
  });

  it('is refused when it is a file', () => {
    writeFileSync(path, '');
    refused().that.equals('NOT_PERMITTED');
  });

  it('is refused when its group or everybody can write', () => {
    for (const mode of [0o770, 0o757]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
      chmodSync(path, mode);
      refused().that.equals('NOT_PERMITTED');
      expect(() => isUsableDirectory(path, uid, true)).to.throw(mode.toString(8));
    }
  });

  it('is refused where anybody could exchange it', () => {
    chmodSync(base, 0o777);
    refused().that.equals('NOT_PERMITTED');
  });

  it('is refused when somebody else owns it', function () {
    if (!isRoot) this.skip();
    mkdirSync(path, { mode: 0o750 });
    chownSync(path, 12_345, 12_345);
    refused().that.equals('NOT_PERMITTED');
    expect(() => isUsableDirectory(path, 1000, true)).to.throw('belongs to user 12345');
    expect(isUsableDirectory(path, 1000, false)).to.equal(true);
  });

  it("is given the stated group's access", function () {
    if (!isRoot) this.skip();
    prepareDirectory(path, { mode: 0o2750, group: 12_345 });
    const found = lstatSync(path);
    expect(found.gid).to.equal(12_345);
    expect(found.mode & 0o7777).to.equal(0o2750);
  });

  it('is not usable while it does not exist', () => {
    expect(isUsableDirectory(path, uid, true)).to.equal(false);
  });
});
