/**
 * Where the viewer listens, under which names, and what browsers need there; with the rule that
 * other machines need a secret. `options.ts` reads them, `WebServer` and its parts follow them.
 * Pure.
 */
import type { AddressOf } from '../../protocol/base/address.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkListening, isLoopback } from '../../protocol/rpc/security/listening.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import type { TlsIdentity } from '../../protocol/rpc/security/tls.js';

export interface ListeningOptions {
  readonly listen: AddressOf<'tcp' | 'tls'>;
  /** Take any free port when the given one is in use. */
  readonly orAnyPort: boolean;
  /** Names of this server besides its host name, lower case. */
  readonly names: readonly string[];
  readonly secret: Secret | undefined;
  /** The certificate of this host; with it, the viewer serves other machines over TLS only. */
  readonly identity: TlsIdentity | undefined;
}

/**
 * Throws BAD_OPTION for listening beyond this machine, or under a further name, without a secret.
 */
export function checkListeningOptions({ listen, names, secret, identity }: ListeningOptions): void {
  checkListening(listen, { secret, identity, trust: { ca: undefined } });
  const foreign = names.find((name) => !isLoopback(name));
  if (foreign === undefined || secret !== undefined) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `--name ${foreign}: a viewer that other machines reach requires a shared secret: give --secret-file`,
    { name: foreign },
  );
}

/** Whether only programs of this machine can reach the viewer, unless through a proxy. */
export function isLocalOnly({ listen, names }: ListeningOptions): boolean {
  return isLoopback(listen.host) && names.every(isLoopback);
}
