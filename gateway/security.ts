/**
 * What a gateway needs to serve safely: its certificate when it serves over TLS, and the token of
 * requests that change SpecTcl. `gateway.ts` calls it at the start. Reads the files that the options
 * name.
 */
import { MirrorflowError } from '../protocol/base/errors.js';
import { isLoopback } from '../protocol/rpc/security/listening.js';
import { readSecret, type Secret } from '../protocol/rpc/security/secret.js';
import { readTlsIdentity, type TlsIdentity } from '../protocol/rpc/security/tls.js';
import type { GatewayProgramOptions } from './options.js';

export interface GatewaySecurity {
  /** With it, programs of other machines are served over TLS only. */
  readonly identity: TlsIdentity | undefined;
  readonly changesToken: Secret | undefined;
}

/**
 * A gateway with a certificate serves other machines over TLS, unless `tls` is false: SpecTcl's own
 * viewers have no TLS. Throws BAD_OPTION for `tls` without a certificate, and for unusable files.
 */
export function readGatewaySecurity(
  options: Pick<GatewayProgramOptions, 'gateway' | 'tlsCert' | 'tlsKey'>,
  host: string,
): GatewaySecurity {
  const { tlsCert, tlsKey } = options;
  const { tls, changesTokenFile } = options.gateway;
  const hasCertificate = tlsCert !== undefined && tlsKey !== undefined;
  if (tls === true && !hasCertificate) {
    const message = 'TLS requires a certificate: start the host server with --tls-cert and --tls-key';
    throw new MirrorflowError('BAD_OPTION', message);
  }
  const usesTls = hasCertificate && (tls ?? !isLoopback(host));
  return {
    identity: usesTls ? readTlsIdentity(tlsCert, tlsKey) : undefined,
    changesToken: changesTokenFile === undefined ? undefined : readSecret(changesTokenFile),
  };
}
