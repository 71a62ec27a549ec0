/**
 * Reads and checks the certificates and keys for TLS, once at the start of a program. TLS encrypts
 * the connections between hosts; authentication still uses the shared secret, since laboratories
 * rarely run an authority for client certificates. Reads PEM files.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { MirrorflowError } from '../../base/errors.js';
import { describeUnreadable } from '../../base/files/unreadable.js';

/** The certificate that this host presents to connecting hosts. */
export interface TlsIdentity {
  /** PEM: the certificate and the intermediate certificates of its authority. */
  readonly cert: string;
  /** PEM: the private key of the certificate. */
  readonly key: string;
}

/** The certificates that this host trusts when it connects. */
export interface TlsTrust {
  /**
   * PEM: certificates of authorities, or self-signed certificates of hosts; undefined: Node's own
   * list of authorities.
   */
  readonly ca: string | undefined;
}

const PEM_BYTES_MAX = 1024 * 1024;
/** Permission bits of all users other than owner and group. */
const OTHER_USERS = 0o007;

/**
 * Throws BAD_OPTION if a file cannot be read or is not PEM, if the key is accessible to all users,
 * or if certificate and key do not match.
 */
export function readTlsIdentity(certFile: string, keyFile: string): TlsIdentity {
  const identity = { cert: readCertificate(certFile), key: readCertificateKey(keyFile) };
  checkTlsIdentity(identity, certFile, keyFile);
  return identity;
}

/** The text of a certificate. Throws BAD_OPTION if the file cannot be read. */
export function readCertificate(file: string): string {
  return readPem(file);
}

/** The text of a private key. Throws BAD_OPTION if it cannot be read, or is open to all users. */
export function readCertificateKey(file: string): string {
  return readPem(file, true);
}

/** Throws BAD_OPTION if the texts are not PEM, or do not match. */
export function checkTlsIdentity(identity: TlsIdentity, certFile: string, keyFile: string): void {
  try {
    createSecureContext({ cert: identity.cert, key: identity.key });
  } catch (thrown) {
    throw unusable(`${certFile} and ${keyFile} are not a certificate and its key`, thrown);
  }
}

/** Throws BAD_OPTION if the file cannot be read or is not a certificate. */
export function readTlsTrust(caFile: string | undefined): TlsTrust {
  if (caFile === undefined) return { ca: undefined };
  const ca = readPem(caFile);
  try {
    void new X509Certificate(ca);
  } catch (thrown) {
    throw unusable(`${caFile} is not a certificate`, thrown);
  }
  return { ca };
}

function readPem(file: string, isPrivate = false): string {
  try {
    const { mode, size } = statSync(file);
    if (isPrivate && (mode & OTHER_USERS) !== 0)
      throw new Error(`all users of this machine may access it: run chmod 640 ${file}`);
    if (size > PEM_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${PEM_BYTES_MAX}`);
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw unusable(`${file} cannot be read`, thrown);
  }
}

function unusable(problem: string, thrown: unknown): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', `${problem}: ${describeUnreadable(thrown)}`, {}, thrown);
}
