/**
 * A self-signed certificate for tests of TLS, made by openssl, for the given name and 127.0.0.1.
 * Used by tests of encrypted connections. Runs openssl; writes both files into a directory of the
 * test.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * `fileName`: of both files, without extension. Undefined when openssl is not installed, or cannot
 * create a certificate.
 */
export function makeCertificate(
  directory: string,
  name = 'localhost',
  fileName = 'host',
): CertificateFiles | undefined {
  const [cert, key] = [join(directory, `${fileName}.crt`), join(directory, `${fileName}.key`)];
  const options =
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} ` +
    `-addext subjectAltName=DNS:${name},IP:127.0.0.1`;
  const { status } = spawnSync('openssl', [...options.split(' '), '-keyout', key, '-out', cert]);
  if (status !== 0) return undefined;
  chmodSync(key, 0o640);
  return { cert, key };
}
