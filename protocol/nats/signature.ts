/**
 * Signatures of what a site publishes (Ed25519), so that neither a NATS server nor another site can
 * forge it. The public keys of the sites are handed over out of band and stand in the
 * configuration. Used by publishers and receivers. Reads the file of the private key.
 *
 * ```
 * unsigned   0 | body
 * signed     1 | signature, 64 bytes | body
 * ```
 *
 * The signature is over SHA-512 of: label, the length of the subject (u32), subject, body. The
 * subject begins with prefix and kind and names the site, so that nothing counts in another place.
 * Whether a body is a repetition is decided by what is in it: a sequence, a time, a number of a
 * request.
 */
import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { describeError, MirrorflowError } from '../base/errors.js';
import { nodeCrypto } from '../base/lazy-modules.js';
import type { NatsOptions } from './options.js';

const LABEL = 'mirrorflow NATS 1';
const SIGNATURE_BYTES = 64;
const MARK = { unsigned: 0, signed: 1 } as const;
/** First bytes of a public key in SPKI form, before its 32 bytes: RFC 8410. */
const SPKI_START = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_FILE_BYTES_MAX = 4_096;
const OTHER_USERS = 0o007;

/** The bytes that `seal` adds at most. */
export const SEAL_BYTES = 1 + SIGNATURE_BYTES;

export class SiteSeals {
  readonly #own: KeyObject | undefined;
  readonly #keys: ReadonlyMap<string, KeyObject> | undefined;

  /** Without a private key nothing is signed; without public keys nothing is verified. */
  constructor(own: KeyObject | undefined, keys: ReadonlyMap<string, KeyObject> | undefined) {
    this.#own = own;
    this.#keys = keys;
  }

  /** Whether signatures of others are demanded. */
  get verifies(): boolean {
    return this.#keys !== undefined;
  }

  /** The body as this site publishes it on a subject; copies it. */
  seal(subject: string, body: Uint8Array): Uint8Array {
    if (this.#own === undefined) return Buffer.concat([Buffer.of(MARK.unsigned), body]);
    const signature = nodeCrypto().sign(null, digest(subject, body), this.#own);
    return Buffer.concat([Buffer.of(MARK.signed), signature, body]);
  }

  /**
   * The body, a view of `bytes`; undefined when `site` has not published it on this subject: it was
   * changed, forged, or is unsigned where signatures are demanded. A site without a public key is
   * no site then.
   */
  open(site: string, subject: string, bytes: Uint8Array): Uint8Array | undefined {
    const mark = bytes[0];
    if (mark !== MARK.unsigned && mark !== MARK.signed) return undefined;
    const start = mark === MARK.signed ? SEAL_BYTES : 1;
    if (bytes.length < start) return undefined;
    const body = bytes.subarray(start);
    if (this.#keys === undefined) return body;
    const key = this.#keys.get(site);
    if (key === undefined || mark === MARK.unsigned) return undefined;
    return nodeCrypto().verify(null, digest(subject, body), key, bytes.subarray(1, start)) ? body : undefined;
  }
}

/** The seals of the options. Throws BAD_OPTION for a key file that cannot be used. */
export function readSeals({ signingKeyFile, siteKeys, site }: NatsOptions): SiteSeals {
  const own = signingKeyFile === undefined ? undefined : readPrivateKey(signingKeyFile);
  if (siteKeys === undefined) return new SiteSeals(own, undefined);
  const keys = new Map(Object.entries(siteKeys).map(([name, text]) => [name, publicKeyOf(text)]));
  // Hosts of one site verify each other; the own key needs not be stated.
  if (own !== undefined && !keys.has(site)) keys.set(site, nodeCrypto().createPublicKey(own));
  return new SiteSeals(own, keys);
}

/**
 * A new pair: the private key as PEM for its file, the public one as it stands in configurations.
 */
export function newSiteKey(): { readonly privateKey: string; readonly publicKey: string } {
  const pair = nodeCrypto().generateKeyPairSync('ed25519');
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKeyText(pair.publicKey),
  };
}

/** The public key of a private key file, as it stands in configurations. Throws BAD_OPTION. */
export function publicKeyOfFile(file: string): string {
  return publicKeyText(nodeCrypto().createPublicKey(readPrivateKey(file)));
}

function digest(subject: string, body: Uint8Array): Buffer {
  const name = Buffer.from(subject);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  return nodeCrypto().createHash('sha512').update(LABEL).update(length).update(name).update(body).digest();
}

function publicKeyText(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' });
  return spki.subarray(SPKI_START.length).toString('base64');
}

/** `text`: base64 of 32 bytes, checked by the schema of the options. */
function publicKeyOf(text: string): KeyObject {
  const der = Buffer.concat([SPKI_START, Buffer.from(text, 'base64')]);
  return nodeCrypto().createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function readPrivateKey(file: string): KeyObject {
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHER_USERS) !== 0)
      throw new Error(`all users of this machine may access it: run chmod 640 ${file}`);
    if (size > KEY_FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${KEY_FILE_BYTES_MAX}`);
    const key = nodeCrypto().createPrivateKey(readFileSync(file));
    if (key.asymmetricKeyType !== 'ed25519')
      throw new Error(`its key is ${key.asymmetricKeyType}, not ed25519`);
    return key;
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the signing key ${file} cannot be used: ${describeError(thrown)}; make one with mirrorflow nats key --out FILE`,
      { file },
      thrown,
    );
  }
}
