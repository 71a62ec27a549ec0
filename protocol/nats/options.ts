/**
 * How a host takes part in a collaboration over NATS: the member `nats` of the host server's
 * configuration. The host server checks it and leaves it in its runtime directory, where its NATS
 * process and duplicators that receive over NATS read it; it names files with secrets and has none.
 * Writes and reads that file.
 */
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareFile } from '../base/files/prepared-file.js';
import { describeError, MirrorflowError, systemCode } from '../base/errors.js';
import {
  NAME_JSON,
  arrayOf,
  boolean,
  int,
  mapOf,
  name,
  oneOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../rpc/xml-rpc/schema.js';
import type { JsonSchema } from '../rpc/xml-rpc/json-schema.js';
import { formatNatsAddress, NATS_ADDRESS_PATTERN, parseNatsAddress } from './address.js';
import type { NatsAccess } from './connection.js';
import { checkSite } from './subjects.js';

/** By which the NATS process of a host is found; in the runtime directory. */
export const NATS_RECORD = 'nats-process.json';
const SITES_MAX = 256;
const RULES_MAX = 1024;
const file = (doc: string) => string({ pattern: /^\/[^\0]{0,4095}$/, doc });

/** What becomes of a flow whose far receivers are slower than its provider. */
export const WAN_MODES = ['lossless', 'stored', 'lossy'] as const;

const publishRule = struct({
  app: name('application'),
  flows: optional(arrayOf(name('flow'), { maxCount: RULES_MAX })),
  wan: optional(oneOf(WAN_MODES)),
  storeBytes: optional(int({ min: 1_048_576, doc: 'most bytes that are stored of these flows' })),
  storeSeconds: optional(int({ min: 1, max: 31_536_000, doc: 'seconds for which these flows are stored' })),
});

const natsOptions = struct({
  address: string({ maxCharacters: 1024, doc: 'the address of a NATS server, nats://host:4222/PREFIX' }),
  site: optional(name('host')),
  domain: optional(
    string({ pattern: /^[A-Za-z0-9_-]{1,64}$/, doc: 'the JetStream domain with the bucket of all sites' }),
  ),
  credentialsFile: optional(file('absolute path of the file of credentials')),
  tls: optional(boolean()),
  tlsCaFile: optional(file('absolute path of certificates of authorities, PEM')),
  publish: optional(arrayOf(publishRule, { maxCount: RULES_MAX })),
  allowStart: optional(arrayOf(name('host'), { maxCount: SITES_MAX })),
  signingKeyFile: optional(file('absolute path of the private key by which this site signs, PEM')),
  siteKeys: optional(
    mapOf(string({ pattern: /^[A-Za-z0-9+/]{43}=$/, doc: 'the public key of a site, base64 of 32 bytes' })),
  ),
});

/** What `checkNatsOptions` accepts, for editors. */
export const NATS_JSON: JsonSchema = {
  ...natsOptions.json,
  properties: {
    ...natsOptions.json.properties,
    address: { type: 'string', maxLength: 1024, pattern: NATS_ADDRESS_PATTERN },
    siteKeys: { ...natsOptions.json.properties?.['siteKeys'], propertyNames: NAME_JSON },
  },
};

export type PublishRule = TypeOf<typeof publishRule>;
export type StatedNatsOptions = TypeOf<typeof natsOptions>;
/** As configured, with the address in its standard form. */
export type NatsOptions = StatedNatsOptions & { readonly site: string };

/**
 * Checks a value of the configuration at `place`; the site is the host's name where none is stated,
 * which the caller fills in. Throws INVALID_PARAMETERS, BAD_NAME or BAD_ADDRESS.
 */
export function checkNatsOptions(value: unknown, place: string, method: string): StatedNatsOptions {
  const stated = natsOptions.check(value, { method, root: place, path: [], unknownMembers: 'refuse' });
  for (const site of Object.keys(stated.siteKeys ?? {})) checkSite(site);
  return { ...stated, address: formatNatsAddress(parseNatsAddress(stated.address)) };
}

/** How the server of the options is reached. */
export function natsAccess(options: NatsOptions): NatsAccess {
  const { address, site, credentialsFile, tls = false, tlsCaFile } = options;
  return {
    address: parseNatsAddress(address),
    site,
    credentialsFile,
    tls: tls || tlsCaFile !== undefined,
    tlsCaFile,
  };
}

/** Undefined when the host server of this directory takes part in no collaboration. */
export function readNatsOptions(directory: string): NatsOptions | undefined {
  const path = optionsPath(directory);
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const { site, ...stated } = checkNatsOptions(value, 'nats', path);
    return { ...stated, site: checkSite(site) };
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    throw new MirrorflowError(
      'BAD_CONFIGURATION',
      `${path} cannot be used: ${describeError(thrown)}`,
      {},
      thrown,
    );
  }
}

/** Replaces what an earlier host server left; undefined removes it. */
export function writeNatsOptions(directory: string, options: NatsOptions | undefined): void {
  const path = optionsPath(directory);
  if (options === undefined) rmSync(path, { force: true });
  else renameSync(prepareFile(path, `${JSON.stringify(options)}\n`, 0o600), path);
}

function optionsPath(directory: string): string {
  return join(directory, 'nats.json');
}
