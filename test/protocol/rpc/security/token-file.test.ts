/** The token file of a runtime directory. Writes a temporary directory. */
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

  it('a token of 64 hexadecimal digits is created once and then reused', () => {
    expect(readToken(directory)).to.equal(undefined);
    const token = ensureToken(directory);
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(ensureToken(directory)).to.equal(token);
    expect(readToken(directory)).to.equal(token);
    expect(readdirSync(directory)).to.deep.equal(['token']);
  });

  it('the token file is accessible only to the owner and the group of the directory', function () {
    if (process.getuid?.() === 0) chownSync(directory, 0, 1);
    ensureToken(directory);
    const { mode, gid } = statSync(tokenPath(directory));
    expect((mode & 0o777).toString(8)).to.equal('640');
    expect(gid).to.equal(statSync(directory).gid);
  });

  it('a file without a valid token is replaced', () => {
    writeFileSync(tokenPath(directory), 'half a tok', { mode: 0o666 });
    chmodSync(tokenPath(directory), 0o666);
    expect(readToken(directory)).to.equal(undefined);
    expect(ensureToken(directory)).to.match(/^[0-9a-f]{64}$/);
    expect((statSync(tokenPath(directory)).mode & 0o777).toString(8)).to.equal('640');
    expect(readdirSync(directory)).to.deep.equal(['token']);
  });
});
