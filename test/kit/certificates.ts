/**
 * Self-signed certificates for tests of TLS, made by openssl, each good for `localhost` and
 * 127.0.0.1. Used by tests of hosts with certificates; writes the files into a given directory.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly tlsCert: string;
  readonly tlsKey: string;
}

/** Undefined when openssl is not installed, or cannot make one. */
export function makeCertificate(directory: string, name = 'host'): CertificateFiles | undefined {
  const [tlsCert, tlsKey] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const made = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout', tlsKey, '-out', tlsCert,
  ]); // prettier-ignore
  if (made.status !== 0) return undefined;
  chmodSync(tlsKey, 0o640);
  return { tlsCert, tlsKey };
}
