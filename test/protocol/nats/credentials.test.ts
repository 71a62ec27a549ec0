// Files of credentials of NATS servers (protocol/nats/credentials.ts).
import { chmodSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { parseNatsCredentials, readNatsCredentials } from '../../../protocol/nats/credentials.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

const SEED = `SU${'A'.repeat(56)}`;

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_OPTION')) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('credentials of NATS', () => {
  it('user and password, a token, an NKey and a .creds file are recognised', () => {
    expect(parseNatsCredentials('# of gsi\nuser: gsi\npassword: a b: c\n')).to.deep.equal({
      kind: 'user',
      user: 'gsi',
      password: 'a b: c',
    });
    expect(parseNatsCredentials('token: t:1')).to.deep.equal({ kind: 'token', token: 't:1' });
    expect(parseNatsCredentials(`${SEED}\n`)).to.deep.equal({ kind: 'nkey', seed: SEED });
    expect(parseNatsCredentials(`nkey: ${SEED}`)).to.deep.equal({ kind: 'nkey', seed: SEED });
    expect(parseNatsCredentials('-----BEGIN NATS USER JWT-----\nx')).to.have.property('kind', 'creds');
  });

  it('what is none of them is refused without a part of it in the message', () => {
    for (const text of ['', 'hunter2', 'user: hunter2', 'token: hunter2\ntoken: hunter2', 'nkey: hunter2']) {
      const message = refusal(() => parseNatsCredentials(text));
      expect(message).to.contain('.creds').and.not.to.contain('hunter2');
    }
  });

  it('a file that all users may read is refused', () => {
    const directory = new TemporaryDirectory();
    try {
      const file = directory.file('credentials');
      writeFileSync(file, 'token: t');
      chmodSync(file, 0o644);
      expect(refusal(() => readNatsCredentials(file))).to.contain('chmod 640');
      chmodSync(file, 0o640);
      expect(readNatsCredentials(file)).to.have.property('token', 't');
      expect(refusal(() => readNatsCredentials(directory.file('none')))).to.contain('ENOENT');
    } finally {
      directory.remove();
    }
  });
});
