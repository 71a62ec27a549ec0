/** The file of the shared secret: contents, mode, refusals. Writes a temporary directory. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { readSecurity, securityFiles } from '../../../../protocol/rpc/security/options.js';
import { readSecret, Secret } from '../../../../protocol/rpc/security/secret.js';

describe('the secret file', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-secret-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  function file(text: string, mode = 0o640): string {
    const path = join(directory, 'secret');
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  it('a secret is read without the white space around it', () => {
    expect(Buffer.from(readSecret(file('0123456789abcdef\n')).key).toString()).to.equal('0123456789abcdef');
  });

  it('a secret file that all users may read is refused with the remedy', () => {
    expect(() => readSecret(file('0123456789abcdef', 0o644))).to.throw('chmod 640');
  });

  it('a secret that is too short or too long is refused with its length and the allowed one', () => {
    expect(() => readSecret(file('short'))).to.throw(/5 bytes; it must have 16 to 1024/);
    expect(() => readSecret(file('x'.repeat(1_025)))).to.throw(/1025 bytes/);
    expect(() => readSecret(file('x'.repeat(100_000)))).to.throw(/100000 bytes/);
  });

  it('a missing secret file is reported by name', () => {
    expect(() => readSecret(join(directory, 'none'))).to.throw(join(directory, 'none'));
  });

  it('a certificate without its key is refused', () => {
    const files = securityFiles({ tlsCert: '/c' }, {});
    expect(() => readSecurity(files)).to.throw('--tls-key is missing');
  });

  it('options take precedence over the environment, and their paths are returned', () => {
    const files = securityFiles(
      { secretFile: '/option' },
      { MIRRORFLOW_SECRET_FILE: '/env', MIRRORFLOW_TLS_CA: '/ca' },
    );
    expect(files).to.deep.equal({
      secretFile: '/option',
      tlsCert: undefined,
      tlsKey: undefined,
      tlsCa: '/ca',
    });
  });
});

describe('a secret', () => {
  it('a secret is not printed by string conversion, JSON or inspection', () => {
    const secret = new Secret('0123456789abcdef');
    for (const shown of [String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ secret })]) {
      expect(shown).to.contain('[secret]').and.not.contain('0123');
    }
  });
});
