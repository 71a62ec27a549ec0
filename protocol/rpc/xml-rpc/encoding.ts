/**
 * Encodes a value as the text of its XML-RPC element. Refuses values that could not be decoded
 * again: characters that XML forbids, values without a type of XML-RPC. The text is built directly
 * instead of from a tree of nodes, since encoding delays every call. Pure; used for calls, results
 * and faults.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { formatDateTime } from './date-time.js';
import { describeValue, FORBIDDEN_IN_XML, isStruct, showPath } from './values.js';

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
/**
 * A document of the largest size holds at most this many values, since each takes at least
 * `<value></value>`. The bound also ends the encoding of an array that contains itself.
 */
const VALUES_PER_DOCUMENT = Math.floor(LIMITS.rpcBodyBytes / '<value></value>'.length);
/** A carriage return must be escaped: parsers turn it into a line feed (XML 1.0, 2.11). */
const ESCAPED = /[&<>\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };

/** Printable ASCII, tab and line feed, without what is escaped: most texts need no other test. */
const PLAIN_TEXT = /^[\t\n -%'-;=?-~]*$/;

type Path = (string | number)[];

/** A result in its encoded form, so that it is encoded once, by the dispatcher that checks it. */
export class EncodedValue {
  /** `<value>…</value>` */
  readonly xml: string;

  constructor(xml: string) {
    this.xml = xml;
  }
}

/** Escapes `text` for the content of an element; it must contain no character that XML forbids. */
export function escapeText(text: string): string {
  if (!ESCAPED.test(text)) return text;
  return text.replaceAll(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
}

/**
 * Returns `<value>…</value>`. `root` names the value in errors (`params`, `result`); `outerDepth`
 * is the number of arrays and structs that will enclose it. Throws INVALID_PARAMETERS with the path
 * of a value that cannot be encoded, TOO_LARGE for more values than a document holds.
 */
export function encodeValue(root: string, value: unknown, outerDepth = 0): string {
  return new ValueEncoder(root).encode(value, outerDepth);
}

class ValueEncoder {
  readonly #root: string;
  /** The place of the value that is being encoded. */
  readonly #path: Path = [];
  #remainingValues = VALUES_PER_DOCUMENT;

  constructor(root: string) {
    this.#root = root;
  }

  /** `depth`: arrays and structs around the value. */
  encode(value: unknown, depth: number): string {
    this.#remainingValues -= 1;
    if (this.#remainingValues < 0) {
      throw new MirrorflowError('TOO_LARGE', `${this.#root} holds more than ${VALUES_PER_DOCUMENT} values`);
    }
    if (typeof value === 'string') return `<value><string>${this.#text(value)}</string></value>`;
    if (typeof value === 'number') return this.#number(value);
    if (typeof value === 'boolean') return `<value><boolean>${value ? '1' : '0'}</boolean></value>`;
    if (value instanceof Uint8Array) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return `<value><base64>${bytes.toString('base64')}</base64></value>`;
    }
    if (value instanceof Date) {
      const date = formatDateTime(value) ?? this.#refuse('a date without a four-digit year');
      return `<value><dateTime.iso8601>${date}</dateTime.iso8601></value>`;
    }
    if (!Array.isArray(value) && !isStruct(value)) return this.#refuse(describeValue(value));
    if (depth >= LIMITS.rpcDepthLevels) {
      this.#refuse(`nested deeper than ${LIMITS.rpcDepthLevels} arrays and structs`);
    }
    return Array.isArray(value) ? this.#array(value, depth + 1) : this.#struct(value, depth + 1);
  }

  #array(value: readonly unknown[], depth: number): string {
    let items = '<value><array><data>';
    for (let index = 0; index < value.length; index++) items += this.#member(index, value[index], depth);
    return `${items}</data></array></value>`;
  }

  #struct(value: { [key: string]: unknown }, depth: number): string {
    let members = '<value><struct>';
    for (const key of Object.keys(value)) {
      const name = this.#text(key);
      members += `<member><name>${name}</name>${this.#member(key, value[key], depth)}</member>`;
    }
    return `${members}</struct></value>`;
  }

  #member(key: string | number, value: unknown, depth: number): string {
    this.#path.push(key);
    const encoded = this.encode(value, depth);
    this.#path.pop();
    return encoded;
  }

  #text(value: string): string {
    if (PLAIN_TEXT.test(value)) return value;
    const forbidden = FORBIDDEN_IN_XML.exec(value);
    if (forbidden === null) return escapeText(value);
    const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
    return this.#refuse(
      `XML forbids the character U+${code} at position ${forbidden.index}; send the text as bytes`,
    );
  }

  #number(value: number): string {
    if (!Number.isFinite(value)) this.#refuse(`${value} is not a finite number`);
    if (Object.is(value, -0)) return '<value><double>-0</double></value>';
    if (Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX) {
      return `<value><int>${value}</int></value>`;
    }
    return `<value><double>${value}</double></value>`;
  }

  #refuse(reason: string): never {
    const where = showPath(this.#root, this.#path);
    throw new MirrorflowError('INVALID_PARAMETERS', `${where} cannot be sent over XML-RPC: ${reason}`, {
      path: where,
    });
  }
}
