/**
 * The security options of every program that connects to other hosts: `--secret-file`,
 * `--tls-cert`, `--tls-key`, `--tls-ca`, or the environment variables MIRRORFLOW_SECRET_FILE,
 * MIRRORFLOW_TLS_CERT, MIRRORFLOW_TLS_KEY, MIRRORFLOW_TLS_CA. They name files instead of their
 * contents, so that no secret appears in a list of processes. Reads these files.
 */
import type { Environment } from '../../base/paths.js';
import { isMirrorflowError, MirrorflowError } from '../../base/errors.js';
import { readSecret, type Secret } from './secret.js';
import {
  checkTlsIdentity,
  readCertificate,
  readCertificateKey,
  readTlsTrust,
  type TlsIdentity,
  type TlsTrust,
} from './tls.js';

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

/** Gets a file that is missing or unusable, with the reason. */
export type RefuseFile = (file: keyof SecurityFiles, error: MirrorflowError) => void;

/**
 * Reads the files. Throws BAD_OPTION with the first file that is missing or unusable; with `refuse`
 * it passes every one of them, and returns what could be read.
 */
export function readSecurity(files: SecurityFiles, refuse: RefuseFile = throwError): Security {
  const { secretFile, tlsCert, tlsKey, tlsCa } = files;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [missing, option] =
      tlsCert === undefined ? (['tlsCert', '--tls-cert'] as const) : (['tlsKey', '--tls-key'] as const);
    refuse(
      missing,
      new MirrorflowError('BAD_OPTION', `${option} is missing; give --tls-cert and --tls-key together`),
    );
  }
  const attempt = <T>(file: keyof SecurityFiles, read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      if (!isMirrorflowError(thrown)) throw thrown;
      refuse(file, thrown);
      return undefined;
    }
  };
  return {
    files,
    secret: secretFile === undefined ? undefined : attempt('secretFile', () => readSecret(secretFile)),
    identity: readIdentity(tlsCert, tlsKey, attempt),
    trust: attempt('tlsCa', () => readTlsTrust(tlsCa)) ?? { ca: undefined },
  };
}

/** Reads both files also when one is unusable. */
function readIdentity(
  tlsCert: string | undefined,
  tlsKey: string | undefined,
  attempt: <T>(file: keyof SecurityFiles, read: () => T) => T | undefined,
): TlsIdentity | undefined {
  const cert = tlsCert === undefined ? undefined : attempt('tlsCert', () => readCertificate(tlsCert));
  const key = tlsKey === undefined ? undefined : attempt('tlsKey', () => readCertificateKey(tlsKey));
  if (tlsCert === undefined || tlsKey === undefined || cert === undefined || key === undefined)
    return undefined;
  return attempt('tlsKey', () => {
    checkTlsIdentity({ cert, key }, tlsCert, tlsKey);
    return { cert, key };
  });
}

function throwError(_file: keyof SecurityFiles, error: MirrorflowError): never {
  throw error;
}
