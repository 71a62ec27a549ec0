/**
 * Certificates for TLS, read and checked once. TLS keeps what travels private; who may do what is
 * proved with the shared secret all the same, since labs rarely run an authority for client
 * certificates.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { describeError, MirrorflowError } from '../../base/errors.js';

/** Of this host: what it shows to whoever connects to it. */
export interface TlsIdentity {
  /** PEM: the certificate, and those between it and its authority. */
  readonly cert: string;
  /** PEM: its private key. */
  readonly key: string;
}

/** Whom this host trusts when it connects. */
export interface TlsTrust {
  /**
   * PEM: certificates of authorities, or self-signed ones of hosts; undefined: those that Node
   * knows.
   */
  readonly ca: string | undefined;
}

const PEM_BYTES_MAX = 1024 * 1024;
const OTHERS_MAY = 0o007;

/**
 * Throws BAD_OPTION when a file cannot be read, is no PEM, the key may be read by everybody, or the
 * two do not belong together.
 */
export function readTlsIdentity(certFile: string, keyFile: string): TlsIdentity {
  const identity = { cert: readPem(certFile), key: readPem(keyFile, true) };
  try {
    createSecureContext(identity);
  } catch (thrown) {
    throw unusable(`${certFile} and ${keyFile} do not make a TLS identity`, thrown);
  }
  return identity;
}

/** Throws BAD_OPTION when the file cannot be read or is no certificate. */
export function readTlsTrust(caFile: string | undefined): TlsTrust {
  if (caFile === undefined) return { ca: undefined };
  const ca = readPem(caFile);
  try {
    void new X509Certificate(ca);
  } catch (thrown) {
    throw unusable(`${caFile} is no certificate`, thrown);
  }
  return { ca };
}

function readPem(file: string, isPrivate = false): string {
  try {
    const { mode, size } = statSync(file);
    if (isPrivate && (mode & OTHERS_MAY) !== 0)
      throw new Error(`everybody on this machine may use it: chmod 640 ${file}`);
    if (size > PEM_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${PEM_BYTES_MAX}`);
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw unusable(`${file} cannot be read`, thrown);
  }
}

function unusable(what: string, thrown: unknown): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `${what}: ${describeError(thrown)}`, {}, thrown);
}
