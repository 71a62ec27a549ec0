/**
 * XML-RPC documents to and from values. Decoding throws PARSE_ERROR for anything that is not a
 * whole, well-formed document, in time linear in its length; encoding refuses what could not be
 * decoded again.
 */
import { ERROR_CODES, MirrorflowError, type ErrorFacts } from '../../base/errors.js';
import { StrictDeserializer } from './decoding.js';
import { parseError } from './document-grammar.js';
import { encodeValue } from './encoding.js';
import { errorOfFault, faultStruct } from './fault.js';
import type { RpcValue } from './values.js';

const METHOD_NAME = /^[A-Za-z0-9_.:/]{1,128}$/;
const DECLARATION = '<?xml version="1.0"?>';
const DECLARED_ENCODING = /^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/;

export interface DecodedCall {
  readonly method: string;
  readonly params: RpcValue[];
}

/**
 * The document of a call. Throws INVALID_PARAMETERS with the path of a parameter that cannot be
 * sent.
 */
export function encodeCall(method: string, params: readonly RpcValue[]): Buffer {
  if (!METHOD_NAME.test(method)) {
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      `${JSON.stringify(method.slice(0, 80))} is no method name`,
    );
  }
  const encoded = params.map((value, index) => parameter(`params[${index}]`, value)).join('');
  return documentOf('methodCall', `<methodName>${method}</methodName><params>${encoded}</params>`);
}

/** The document of a result. Throws INVALID_PARAMETERS with the path of what cannot be sent. */
export function encodeResponse(value: RpcValue): Buffer {
  return documentOf('methodResponse', `<params>${parameter('result', value)}</params>`);
}

/**
 * The document of a fault; never throws. Facts only for callers that asked: XML-RPC allows two
 * members.
 */
export function encodeFault(code: number, message: string, facts?: ErrorFacts): Buffer {
  return documentOf(
    'methodResponse',
    `<fault>${encodeValue('fault', faultStruct(code, message, facts))}</fault>`,
  );
}

export function decodeCall(bytes: Uint8Array): DecodedCall {
  const deserializer = new StrictDeserializer('methodCall');
  let call: DecodedCall | undefined;
  run(bytes, (source) =>
    deserializer.deserializeMethodCall(source, (error, method, params) => {
      if (error !== null) throw parseError(error.message);
      call = { method: method ?? '', params: params as RpcValue[] };
    }),
  );
  if (call === undefined) throw parseError('the call has no end');
  if (!METHOD_NAME.test(call.method)) throw parseError('the call has no proper method name');
  return call;
}

/** The result of a response; throws the error that a fault stands for, or PARSE_ERROR. */
export function decodeResponse(bytes: Uint8Array): RpcValue {
  const deserializer = new StrictDeserializer('methodResponse');
  let result: RpcValue | undefined;
  run(bytes, (source) =>
    deserializer.deserializeMethodResponse(source, (error, value) => {
      if (error !== null) throw parseError(error.message);
      result = value as RpcValue | undefined;
    }),
  );
  if (result === undefined) throw parseError('the response has no value');
  if (deserializer.responseType === 'fault') throw errorOfFault(result);
  return result;
}

function parameter(root: string, value: RpcValue): string {
  return `<param>${encodeValue(root, value)}</param>`;
}

function documentOf(root: 'methodCall' | 'methodResponse', content: string): Buffer {
  return Buffer.from(`${DECLARATION}<${root}>${content}</${root}>`);
}

type Source = Parameters<StrictDeserializer['deserializeMethodCall']>[0];

/**
 * Gives the deserializer the text at once, in the caller's turn: its faults are plain exceptions of
 * this call.
 */
function run(bytes: Uint8Array, deserialize: (source: Source) => void): void {
  const text = decodeText(bytes);
  refuseDeclarations(text);
  try {
    deserialize({
      setEncoding: () => undefined,
      on: () => undefined,
      pipe(parser) {
        parser.write(text);
        parser.end();
      },
    });
  } catch (thrown) {
    if (thrown instanceof MirrorflowError) throw thrown;
    throw new MirrorflowError('PARSE_ERROR', 'not an XML-RPC document: malformed XML', {}, thrown);
  }
}

function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw parseError('not UTF-8');
  }
  const declared = DECLARED_ENCODING.exec(text)?.[1]?.toLowerCase();
  if (declared !== undefined && declared !== 'utf-8' && declared !== 'utf8' && declared !== 'us-ascii') {
    throw parseError(`its encoding is ${declared}; only UTF-8 is read`);
  }
  return text;
}

/**
 * Refuses document types, and with them entity definitions, before the parser sees them: its time
 * for a `<!` declaration grows with the square of the length.
 */
function refuseDeclarations(text: string): void {
  for (let at = text.indexOf('<!'); at >= 0; at = text.indexOf('<!', at)) {
    const close = text.startsWith('<!--', at) ? '-->' : text.startsWith('<![CDATA[', at) ? ']]>' : undefined;
    if (close === undefined) throw parseError('a document type or declaration');
    const end = text.indexOf(close, at + 4);
    if (end < 0) throw parseError(`a ${close} is missing`);
    at = end + close.length;
  }
}

/** The document of the fault of an error, for callers that read `facts` too. */
export function encodeError(error: MirrorflowError, withFacts: boolean): Buffer {
  return encodeFault(ERROR_CODES[error.code], error.message, withFacts ? error.facts : undefined);
}
