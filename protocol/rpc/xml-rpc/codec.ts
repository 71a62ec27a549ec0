/**
 * Encodes and decodes XML-RPC documents: calls, responses and faults. Sessions and the HTTP client
 * and server use it. Decoding throws PARSE_ERROR for anything but a complete, well-formed document,
 * in time proportional to its length; encoding refuses values that could not be decoded again.
 * Pure.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { ERROR_CODES, MirrorflowError, type ErrorFacts } from '../../base/errors.js';
import { StrictDeserializer } from './decoding.js';
import { parseError } from './document-grammar.js';
import { EncodedValue, encodeValue } from './encoding.js';
import { errorOfFault, faultStruct } from './fault.js';
import { PlainDocument } from './plain-document.js';
import { FORBIDDEN_IN_XML, type RpcValue } from './values.js';

const METHOD_NAME = /^[A-Za-z0-9_.:/]{1,128}$/;
const DECLARATION = '<?xml version="1.0"?>';
const DECLARED_ENCODING = /^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/;

export interface DecodedCall {
  readonly method: string;
  readonly params: RpcValue[];
}

/** Throws INVALID_PARAMETERS with the path of a parameter that cannot be encoded. */
export function encodeCall(method: string, params: readonly RpcValue[]): Buffer {
  if (!METHOD_NAME.test(method)) {
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      `${JSON.stringify(method.slice(0, 80))} is not a method name`,
    );
  }
  const encoded = params
    .map((value, index) => `<param>${encodeValue(`params[${index}]`, value)}</param>`)
    .join('');
  return documentOf('methodCall', `<methodName>${method}</methodName><params>${encoded}</params>`);
}

/** Throws INVALID_PARAMETERS with the path of a value that cannot be encoded. */
export function encodeResponse(result: RpcValue | EncodedValue): Buffer {
  const xml = result instanceof EncodedValue ? result.xml : encodeValue('result', result);
  return documentOf('methodResponse', `<params><param>${xml}</param></params>`);
}

/**
 * Never throws. Pass facts only for callers that read them: XML-RPC allows a fault the members
 * `faultCode` and `faultString` only.
 */
export function encodeFault(code: number, message: string, facts?: ErrorFacts): Buffer {
  return documentOf(
    'methodResponse',
    `<fault>${encodeValue('fault', faultStruct(code, message, facts))}</fault>`,
  );
}

/** Throws PARSE_ERROR. */
export function decodeCall(bytes: Uint8Array): DecodedCall {
  let call: DecodedCall | undefined;
  parse(bytes, 'methodCall', (deserializer, source) =>
    deserializer.deserializeMethodCall(source, (error, method, params) => {
      if (error !== null) throw parseError(error.message);
      call = { method: method ?? '', params: params as RpcValue[] };
    }),
  );
  if (call === undefined) throw parseError('the call is incomplete');
  if (!METHOD_NAME.test(call.method)) throw parseError('the call has no valid method name');
  return call;
}

/** Returns the result of a response. Throws the error that a fault represents, or PARSE_ERROR. */
export function decodeResponse(bytes: Uint8Array): RpcValue {
  let result: RpcValue | undefined;
  let isFault = false;
  parse(bytes, 'methodResponse', (deserializer, source) =>
    deserializer.deserializeMethodResponse(source, (error, value) => {
      if (error !== null) throw parseError(error.message);
      result = value as RpcValue | undefined;
      isFault = deserializer.responseType === 'fault';
    }),
  );
  if (result === undefined) throw parseError('the response has no value');
  if (isFault) throw errorOfFault(result);
  return result;
}

function documentOf(root: Root, content: string): Buffer {
  return Buffer.from(`${DECLARATION}<${root}>${content}</${root}>`);
}

type Root = 'methodCall' | 'methodResponse';

type Source = Parameters<StrictDeserializer['deserializeMethodCall']>[0];

type Deserialize = (deserializer: StrictDeserializer, source: Source) => void;

/** Builds the values of one plain document after the other: making it takes longer than a parse. */
let plainBuilder: StrictDeserializer | undefined;

/** Parses a document synchronously, so that errors are thrown to the caller. */
function parse(bytes: Uint8Array, root: Root, deserialize: Deserialize): void {
  const text = decodeText(bytes);
  if (FORBIDDEN_IN_XML.test(text) || !parsePlain(text, root, deserialize)) {
    parseXml(text, new StrictDeserializer(root), deserialize);
  }
}

/** Returns false if the document is not plain. */
function parsePlain(text: string, root: Root, deserialize: Deserialize): boolean {
  const builder = (plainBuilder ??= new StrictDeserializer(root));
  try {
    if (!new PlainDocument(text, builder).read(root)) return false;
    const source = sourceOf(() => builder.onDone());
    deserialize(builder, source);
    return true;
  } finally {
    builder.reset();
  }
}

/** Passes the whole text to the XML parser of the package. */
function parseXml(text: string, deserializer: StrictDeserializer, deserialize: Deserialize): void {
  checkEncoding(text);
  refuseDeclarations(text);
  try {
    const source = sourceOf((parser) => {
      parser.write(text);
      parser.end();
    });
    deserialize(deserializer, source);
  } catch (thrown) {
    if (thrown instanceof MirrorflowError) throw thrown;
    throw new MirrorflowError('PARSE_ERROR', 'not an XML-RPC document: malformed XML', {}, thrown);
  }
}

/** What the package takes as the stream of a document. */
function sourceOf(pipe: Source['pipe']): Source {
  return { setEncoding: () => undefined, on: () => undefined, pipe };
}

/** UTF-8 without a byte order mark. */
function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isAscii(bytes)) return buffer.toString('latin1');
  if (!isUtf8(bytes)) throw parseError('not UTF-8');
  const text = buffer.toString();
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function checkEncoding(text: string): void {
  const declared = DECLARED_ENCODING.exec(text)?.[1]?.toLowerCase();
  if (declared !== undefined && declared !== 'utf-8' && declared !== 'utf8' && declared !== 'us-ascii') {
    throw parseError(`its encoding is ${declared}; only UTF-8 is supported`);
  }
}

/**
 * Refuses document types, and with them entity definitions, before the parser reads the text: the
 * parser's time for a `<!` declaration grows with the square of its length.
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

/** The document of an error's fault, for callers that read `facts`. */
export function encodeError(error: MirrorflowError): Buffer {
  return encodeFault(ERROR_CODES[error.code], error.message, error.facts);
}
