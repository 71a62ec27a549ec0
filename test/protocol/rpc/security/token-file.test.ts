import { expect } from 'chai';
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureToken, readToken, tokenPath } from '../../../../protocol/rpc/security/token-file.js';

describe('the token of a directory', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is made once, of 64 hexadecimal digits, and then is the same for all', () => {
    expect(readToken(directory)).to.equal(undefined);
    const token = ensureToken(directory);
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(ensureToken(directory)).to.equal(token);
    expect(readToken(directory)).to.equal(token);
    expect(readdirSync(directory)).to.deep.equal(['token']);
  });

  it('is for the owner and the group of the directory only', function () {
    if (process.getuid?.() === 0) chownSync(directory, 0, 1);
    ensureToken(directory);
    const { mode, gid } = statSync(tokenPath(directory));
    expect((mode & 0o777).toString(8)).to.equal('640');
    expect(gid).to.equal(statSync(directory).gid);
  });

  it('is replaced when it is none', () => {
    writeFileSync(tokenPath(directory), 'half a tok', { mode: 0o666 });
    chmodSync(tokenPath(directory), 0o666);
    expect(readToken(directory)).to.equal(undefined);
    expect(ensureToken(directory)).to.match(/^[0-9a-f]{64}$/);
    expect((statSync(tokenPath(directory)).mode & 0o777).toString(8)).to.equal('640');
    expect(readdirSync(directory)).to.deep.equal(['token']);
  });
});
