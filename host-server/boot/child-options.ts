/**
 * What the children of the host server will refuse when they start: the address of the web viewer,
 * and the files that NATS process and gateways read. Called by `options.ts` for `--check`, with the
 * functions that the children call themselves. Reads these files.
 */
import { parseAddress } from '../../protocol/base/address.js';
import { readNatsCredentials } from '../../protocol/nats/credentials.js';
import type { NatsOptions } from '../../protocol/nats/options.js';
import { publicKeyOfFile } from '../../protocol/nats/signature.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { checkListening } from '../../protocol/rpc/security/listening.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { readSecret } from '../../protocol/rpc/security/secret.js';
import { readTlsTrust } from '../../protocol/rpc/security/tls.js';
import type { OptionProblems } from './option-problems.js';

/**
 * Where the viewer listens, as its arguments state it. Call it when the files of `security` could
 * be read. Throws BAD_OPTION.
 */
export function checkWebListening(web: readonly string[] | undefined, security: Security): void {
  const address = web?.[web.indexOf('--listen') + 1];
  if (address === undefined) return;
  const { secret, identity } = security;
  const listen = parseAddress(address, { schemes: ['tcp', 'tls'], listening: true });
  checkListening(listen, { secret, identity, trust: { ca: undefined } });
}

export function checkChildFiles(
  nats: NatsOptions | undefined,
  applications: readonly ApplicationOptions[],
  problems: OptionProblems,
): void {
  const check = (key: string, file: string | undefined, read: (file: string) => unknown): void => {
    if (file !== undefined) problems.attempt(key, () => read(file), undefined);
  };
  check('nats.credentialsFile', nats?.credentialsFile, readNatsCredentials);
  check('nats.tlsCaFile', nats?.tlsCaFile, readTlsTrust);
  check('nats.signingKeyFile', nats?.signingKeyFile, publicKeyOfFile);
  for (const [index, { gateway }] of applications.entries()) {
    check(`applications[${index}].gateway.changesTokenFile`, gateway?.changesTokenFile, readSecret);
  }
}
