/**
 * Calls between sites as bytes: a header in JSON, a line end, and an XML-RPC document, sealed for
 * the subject; answers are sealed for the number of their call, so that none counts twice or for
 * another. Used by both ends. Pure.
 */
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { isName } from '../../protocol/base/names.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';
import { siteCall, type SiteCall } from '../../protocol/rpc/contract/sites.js';
import {
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeResponse,
  encodeError,
} from '../../protocol/rpc/xml-rpc/codec.js';
import { isStruct, type RpcValue } from '../../protocol/rpc/xml-rpc/values.js';

const ID = /^[0-9a-f]{32}$/;
const LINE_END = 0x0a;
const METHOD = 'site.call';

export interface CallHeader {
  /** 32 hexadecimal digits, of this call only. */
  readonly id: string;
  /** Wall-clock time of the caller, milliseconds. */
  readonly atMs: number;
  /** The calling host. */
  readonly host: string;
}

export function encodeSiteCall(
  seals: SiteSeals,
  subject: string,
  header: CallHeader,
  call: SiteCall,
): Uint8Array {
  const document = encodeCall(METHOD, [{ ...call }]);
  return seals.seal(subject, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), document]));
}

/** Undefined for bytes that are no call, or that `site` has not sealed for this subject. */
export function decodeSiteCall(
  seals: SiteSeals,
  site: string,
  subject: string,
  bytes: Uint8Array,
): { readonly header: CallHeader; readonly call: SiteCall } | undefined {
  const body = seals.open(site, subject, bytes);
  const end = body?.indexOf(LINE_END) ?? -1;
  if (body === undefined || end < 0) return undefined;
  try {
    const header: unknown = JSON.parse(Buffer.from(body.subarray(0, end)).toString('utf8'));
    if (!isStruct(header)) return undefined;
    const { id, atMs, host } = header;
    if (typeof id !== 'string' || !ID.test(id) || typeof atMs !== 'number' || !isName(host)) return undefined;
    const [value] = decodeCall(body.subarray(end + 1)).params;
    const place = { method: METHOD, root: 'call', path: [], unknownMembers: 'refuse' } as const;
    return { header: { id, atMs, host }, call: siteCall.check(value, { ...place, path: [] }) };
  } catch (error) {
    // A RangeError: nested deeper than the stack.
    if (error instanceof SyntaxError || error instanceof RangeError || isMirrorflowError(error))
      return undefined;
    throw error;
  }
}

/** The answer to call `id`: a result, or the error of the answering host. */
export function encodeAnswer(seals: SiteSeals, id: string, answer: RpcValue | MirrorflowError): Uint8Array {
  const document = answer instanceof MirrorflowError ? encodeError(answer) : encodeResponse(answer);
  return seals.seal(answerPlace(id), document);
}

/**
 * Throws the error of the other host, REFUSED for an answer that `site` has not sealed,
 * PARSE_ERROR.
 */
export function decodeAnswer(seals: SiteSeals, site: string, id: string, bytes: Uint8Array): RpcValue {
  const body = seals.open(site, answerPlace(id), bytes);
  if (body === undefined) {
    throw new MirrorflowError('REFUSED', `the answer is not one of site ${site}: it was changed or forged`, {
      site,
    });
  }
  return decodeResponse(body);
}

function answerPlace(id: string): string {
  return `answer ${id}`;
}
