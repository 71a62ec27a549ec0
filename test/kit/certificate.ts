/**
 * A self-signed certificate for tests of TLS, made by openssl in a directory of the test.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Undefined when openssl is not installed, or cannot create a certificate. */
export function makeCertificate(directory: string, name = 'localhost'): CertificateFiles | undefined {
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  const options =
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} ` +
    `-addext subjectAltName=DNS:${name},IP:127.0.0.1`;
  const { status } = spawnSync('openssl', [...options.split(' '), '-keyout', files.key, '-out', files.cert]);
  return status === 0 ? files : undefined;
}
