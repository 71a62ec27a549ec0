/** The token file of a runtime directory. Writes a temporary directory. */
import { expect } from 'chai';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenPath } from '../../../../protocol/base/paths.js';
import { ensureToken, readToken } from '../../../../protocol/rpc/security/token-file.js';

describe('a token file', () => {
  let directory: string;
  let path: TokenPath;
  const mode = (): string => (statSync(path).mode & 0o777).toString(8);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = `${directory}/e1.read.token`;
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('a token of 64 hexadecimal digits is created once and then reused', () => {
    expect(readToken(path)).to.equal(undefined);
    const token = ensureToken(path, () => undefined);
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(ensureToken(path, () => undefined)).to.equal(token);
    expect(readToken(path)).to.equal(token);
    expect(readdirSync(directory)).to.deep.equal(['e1.read.token']);
  });

  it('a new token file gets its mode before it has its name, and one that exists gets it again', () => {
    const granted: [string, boolean][] = [];
    const grant = (at: string, inherited: boolean): void => {
      granted.push([at === path ? 'in place' : (statSync(at).mode & 0o777).toString(8), inherited]);
      chmodSync(at, 0o640);
    };
    ensureToken(path, grant);
    expect(mode()).to.equal('640');
    chmodSync(path, 0o666);
    ensureToken(path, grant);
    expect(mode()).to.equal('640');
    expect(granted).to.deep.equal([
      ['600', false],
      ['in place', true],
    ]);
  });

  it('a file without a valid token is replaced', () => {
    writeFileSync(path, 'half a tok', { mode: 0o666 });
    chmodSync(path, 0o666);
    expect(readToken(path)).to.equal(undefined);
    expect(ensureToken(path, () => undefined)).to.match(/^[0-9a-f]{64}$/);
    expect(mode()).to.equal('600');
    expect(readdirSync(directory)).to.deep.equal(['e1.read.token']);
  });
});
