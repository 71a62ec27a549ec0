/**
 * What every program that speaks to other hosts is told about security, with the same names
 * everywhere: options `--secret-file`, `--tls-cert`, `--tls-key`, `--tls-ca`, environment
 * MIRRORFLOW_SECRET_FILE, MIRRORFLOW_TLS_CERT, MIRRORFLOW_TLS_KEY, MIRRORFLOW_TLS_CA. Files, not
 * their contents, so that no secret stands in a process list.
 */
import type { Environment } from '../../base/paths.js';
import { MirrorflowError } from '../../base/errors.js';
import { readSecret, type Secret } from './secret.js';
import { readTlsIdentity, readTlsTrust, type TlsIdentity, type TlsTrust } from './tls.js';

/** Paths as given; undefined where nothing was. */
export interface SecurityFiles {
  readonly secretFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCa: string | undefined;
}

export interface Security {
  readonly files: SecurityFiles;
  readonly secret: Secret | undefined;
  /** What this host shows; with it, whatever listens beyond this machine speaks TLS only. */
  readonly identity: TlsIdentity | undefined;
  readonly trust: TlsTrust;
}

/** Options win over the environment; an empty variable counts as unset. */
export function securityFiles(given: Partial<SecurityFiles>, env: Environment): SecurityFiles {
  return {
    secretFile: given.secretFile ?? (env['MIRRORFLOW_SECRET_FILE'] || undefined),
    tlsCert: given.tlsCert ?? (env['MIRRORFLOW_TLS_CERT'] || undefined),
    tlsKey: given.tlsKey ?? (env['MIRRORFLOW_TLS_KEY'] || undefined),
    tlsCa: given.tlsCa ?? (env['MIRRORFLOW_TLS_CA'] || undefined),
  };
}

/** Reads the files. Throws BAD_OPTION naming the one that is missing or cannot be used. */
export function readSecurity(files: SecurityFiles): Security {
  const { secretFile, tlsCert, tlsKey, tlsCa } = files;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const missing = tlsCert === undefined ? '--tls-cert' : '--tls-key';
    throw new MirrorflowError('BAD_OPTION', `a certificate and its key come together: ${missing} is missing`);
  }
  return {
    files,
    secret: secretFile === undefined ? undefined : readSecret(secretFile),
    identity: tlsCert === undefined || tlsKey === undefined ? undefined : readTlsIdentity(tlsCert, tlsKey),
    trust: readTlsTrust(tlsCa),
  };
}
