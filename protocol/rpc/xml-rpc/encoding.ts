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
  let remainingValues = VALUES_PER_DOCUMENT;
  const path: Path = [];

  const refuse = (reason: string): never => {
    const where = showPath(root, path);
    throw new MirrorflowError('INVALID_PARAMETERS', `${where} cannot be sent over XML-RPC: ${reason}`, {
      path: where,
    });
  };

  const text = (value: string): string => {
    const forbidden = FORBIDDEN_IN_XML.exec(value);
    if (forbidden === null) return escapeText(value);
    const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
    return refuse(
      `XML forbids the character U+${code} at position ${forbidden.index}; send the text as bytes`,
    );
  };

  const number = (value: number): string => {
    if (!Number.isFinite(value)) refuse(`${value} is not a finite number`);
    if (Object.is(value, -0)) return element('double', '-0');
    const isInt = Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX;
    return element(isInt ? 'int' : 'double', String(value));
  };

  /** The element of the type, such as `<int>1</int>`, inside the element `<value>`. */
  const typed = (value: unknown, depth: number): string => {
    remainingValues -= 1;
    if (remainingValues < 0) {
      throw new MirrorflowError('TOO_LARGE', `${root} holds more than ${VALUES_PER_DOCUMENT} values`);
    }
    if (typeof value === 'string') return element('string', text(value));
    if (typeof value === 'number') return number(value);
    if (typeof value === 'boolean') return element('boolean', value ? '1' : '0');
    if (value instanceof Uint8Array) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return element('base64', bytes.toString('base64'));
    }
    if (value instanceof Date) {
      const date = formatDateTime(value) ?? refuse('a date without a four-digit year');
      return element('dateTime.iso8601', date);
    }
    if (!Array.isArray(value) && !isStruct(value)) return refuse(describeValue(value));
    if (depth >= LIMITS.rpcDepthLevels)
      refuse(`nested deeper than ${LIMITS.rpcDepthLevels} arrays and structs`);
    return Array.isArray(value) ? array(value, depth + 1) : struct(value, depth + 1);
  };

  const nested = (key: string | number, value: unknown, depth: number): string => {
    path.push(key);
    const encoded = element('value', typed(value, depth));
    path.pop();
    return encoded;
  };

  const array = (value: readonly unknown[], depth: number): string => {
    let items = '';
    for (let index = 0; index < value.length; index++) items += nested(index, value[index], depth);
    return `<array><data>${items}</data></array>`;
  };

  const struct = (value: { [key: string]: unknown }, depth: number): string => {
    let members = '';
    for (const key of Object.keys(value)) {
      members += `<member>${element('name', text(key))}${nested(key, value[key], depth)}</member>`;
    }
    return `<struct>${members}</struct>`;
  };

  return element('value', typed(value, outerDepth));
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
