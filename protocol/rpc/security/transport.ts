/**
 * The transport below a handshake: what both ends see of the TLS connection, which their proofs
 * cover, so that no program can stand between them. For each end it is the SHA-256 of its
 * certificate as DER (RFC 5929, `tls-server-end-point`), or the word `none`. Used by the handshakes
 * between host servers and between duplicators. Reads the state of a socket.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { ProofSide } from './proof.js';

export interface Transport {
  /** SHA-256 of the listener's and of the caller's certificate; the word `none` without one. */
  readonly listener: Uint8Array;
  readonly caller: Uint8Array;
  /** Whether TLS protects all bytes; they carry no MAC of their own then. */
  readonly isTls: boolean;
}

const NONE = Buffer.from('none');

/** A connection without TLS. */
export const PLAIN_TRANSPORT: Transport = { listener: NONE, caller: NONE, isTls: false };

/** TLS of all servers and clients between hosts; a listener requests the caller's certificate. */
export const TLS_VERSION = { minVersion: 'TLSv1.3' } as const;
export const TLS_LISTENER = {
  ...TLS_VERSION,
  requestCert: true,
  // The proof of the shared secret admits the caller; its certificate is only part of that proof.
  rejectUnauthorized: false,
} as const satisfies TLSSocketOptions & typeof TLS_VERSION;
/** Stated, since NODE_TLS_REJECT_UNAUTHORIZED would change the default. */
export const TLS_CALLER = { ...TLS_VERSION, rejectUnauthorized: true } as const;

/** The transport of a socket whose TLS handshake, if any, is complete. `side`: of this end. */
export function transportOf(socket: Socket, side: ProofSide): Transport {
  if (!(socket instanceof TLSSocket)) return PLAIN_TRANSPORT;
  const own = fingerprint(socket.getX509Certificate());
  const others = fingerprint(socket.getPeerX509Certificate());
  return side === 'listener'
    ? { listener: own, caller: others, isTls: true }
    : { listener: others, caller: own, isTls: true };
}

/** The parts of a proof that bind it to the transport. */
export function boundTransport({ listener, caller }: Transport): readonly Uint8Array[] {
  return [listener, caller];
}

function fingerprint(certificate: X509Certificate | undefined): Uint8Array {
  return certificate === undefined ? NONE : createHash('sha256').update(certificate.raw).digest();
}
