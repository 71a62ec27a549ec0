/**
 * The security options of every program that connects to other hosts: `--secret-file`,
 * `--tls-cert`, `--tls-key`, `--tls-ca`, or the environment variables MIRRORFLOW_SECRET_FILE,
 * MIRRORFLOW_TLS_CERT, MIRRORFLOW_TLS_KEY, MIRRORFLOW_TLS_CA. They name files instead of their
 * contents, so that no secret appears in a list of processes. Reads these files.
 */
import type { Environment } from '../../base/paths.js';
import { MirrorflowError } from '../../base/errors.js';
import { readSecret, type Secret } from './secret.js';
import { readTlsIdentity, readTlsTrust, type TlsIdentity, type TlsTrust } from './tls.js';

/** Paths as given; undefined where an option is missing. */
export interface SecurityFiles {
  readonly secretFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCa: string | undefined;
}

export interface Security {
  readonly files: SecurityFiles;
  readonly secret: Secret | undefined;
  /** The certificate of this host; with it, servers accept other machines over TLS only. */
  readonly identity: TlsIdentity | undefined;
  readonly trust: TlsTrust;
}

/** Options take precedence over the environment; an empty variable counts as unset. */
export function securityFiles(options: Partial<SecurityFiles>, env: Environment): SecurityFiles {
  return {
    secretFile: options.secretFile ?? (env['MIRRORFLOW_SECRET_FILE'] || undefined),
    tlsCert: options.tlsCert ?? (env['MIRRORFLOW_TLS_CERT'] || undefined),
    tlsKey: options.tlsKey ?? (env['MIRRORFLOW_TLS_KEY'] || undefined),
    tlsCa: options.tlsCa ?? (env['MIRRORFLOW_TLS_CA'] || undefined),
  };
}

/** Reads the files. Throws BAD_OPTION with the file that is missing or unusable. */
export function readSecurity(files: SecurityFiles): Security {
  const { secretFile, tlsCert, tlsKey, tlsCa } = files;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const missing = tlsCert === undefined ? '--tls-cert' : '--tls-key';
    throw new MirrorflowError('BAD_OPTION', `${missing} is missing; give --tls-cert and --tls-key together`);
  }
  return {
    files,
    secret: secretFile === undefined ? undefined : readSecret(secretFile),
    identity: tlsCert === undefined || tlsKey === undefined ? undefined : readTlsIdentity(tlsCert, tlsKey),
    trust: readTlsTrust(tlsCa),
  };
}
