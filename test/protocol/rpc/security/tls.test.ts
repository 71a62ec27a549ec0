/** Certificates and keys of TLS as files: which are accepted. Runs openssl. */
import { chmodSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { readTlsIdentity, readTlsTrust } from '../../../../protocol/rpc/security/tls.js';
import { makeCertificate, type CertificateFiles } from '../../../kit/certificate.js';
import { skip } from '../../../kit/skip.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

describe('the files of TLS', () => {
  let directory: TemporaryDirectory;
  let files: CertificateFiles;

  beforeEach(function () {
    directory = new TemporaryDirectory();
    files = makeCertificate(directory.path) ?? skip(this, 'openssl is not installed');
  });
  afterEach(() => directory.remove());

  it('a certificate may be read by all users, and its key may not', () => {
    chmodSync(files.cert, 0o644);
    const { cert, key } = readTlsIdentity(files.cert, files.key);
    expect([cert.includes('BEGIN CERTIFICATE'), key.includes('PRIVATE KEY')]).to.deep.equal([true, true]);
    expect(readTlsTrust(files.cert)).to.deep.equal({ ca: cert });
    for (const mode of [0o644, 0o641, 0o642]) {
      chmodSync(files.key, mode);
      expect(() => readTlsIdentity(files.cert, files.key))
        .to.throw(`run chmod 640 ${files.key}`)
        .with.property('code', 'BAD_OPTION');
    }
  });

  it('no file, a file of something else, a huge one and a key of another certificate are refused', () => {
    const other = makeCertificate(directory.path, 'other', 'other');
    const [text, huge] = [directory.file('text'), directory.file('huge')];
    writeFileSync(text, 'no certificate');
    writeFileSync(huge, Buffer.alloc(1024 * 1024 + 1));
    expect(readTlsTrust(undefined)).to.deep.equal({ ca: undefined });
    for (const ca of [directory.file('missing'), text, huge])
      expect(() => readTlsTrust(ca), ca)
        .to.throw()
        .with.property('code', 'BAD_OPTION');
    for (const [cert, key] of [
      [files.cert, other?.key ?? ''],
      [text, files.key],
      [files.cert, text],
      [files.cert, directory.file('missing')],
    ] as const)
      expect(() => readTlsIdentity(cert, key), `${cert} ${key}`)
        .to.throw()
        .with.property('code', 'BAD_OPTION');
    writeFileSync(huge, Buffer.alloc(1024 * 1024, '\n'));
    expect(() => readTlsTrust(huge)).to.throw('is not a certificate');
  });
});
