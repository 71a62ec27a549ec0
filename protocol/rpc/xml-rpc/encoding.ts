/**
 * A value as the text of its XML-RPC element. Refuses what could not be read back: XML has no place
 * for it, or XML-RPC no type. Text is written at once instead of as a tree of nodes: encoding
 * stands between a program and every flow that it opens.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { formatDateTime } from './date-time.js';
import { describeValue, FORBIDDEN_IN_XML, isStruct, showPath } from './values.js';

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
/**
 * No document of the largest size holds more values: each takes at least `<value></value>`. Ends
 * cycles too.
 */
const VALUES_PER_DOCUMENT = Math.floor(LIMITS.rpcBodyBytes / '<value></value>'.length);
/** A carriage return as itself would be read as a line feed (XML 1.0, 2.11). */
const ESCAPED = /[&<>\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };

type Path = (string | number)[];

/** `text` as it stands in an element; it must hold no character that XML forbids. */
export function escapeText(text: string): string {
  if (!ESCAPED.test(text)) return text;
  return text.replaceAll(/[&<>\r]/g, (character) => ESCAPES[character] ?? character);
}

/**
 * `<value>…</value>`. `root` names it in errors (`params`, `result`). Throws INVALID_PARAMETERS
 * with the path of what cannot be sent, TOO_LARGE for more values than a document holds.
 */
export function encodeValue(root: string, value: unknown): string {
  let left = VALUES_PER_DOCUMENT;
  const path: Path = [];

  const refuse = (found: string): never => {
    const where = showPath(root, path);
    throw new MirrorflowError('INVALID_PARAMETERS', `${where} cannot be sent over XML-RPC: ${found}`, {
      path: where,
    });
  };

  const text = (value: string): string => {
    const forbidden = FORBIDDEN_IN_XML.exec(value);
    if (forbidden === null) return escapeText(value);
    const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
    return refuse(
      `XML forbids the character U+${code} at position ${forbidden.index}; send such text as bytes`,
    );
  };

  const number = (value: number): string => {
    if (!Number.isFinite(value)) refuse(`${value} is not a finite number`);
    if (Object.is(value, -0)) return element('double', '-0');
    const fits = Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX;
    return element(fits ? 'int' : 'double', String(value));
  };

  const typed = (value: unknown, depth: number): string => {
    left -= 1;
    if (left < 0) {
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
    if (depth >= LIMITS.rpcDepth) refuse(`nested deeper than ${LIMITS.rpcDepth} arrays and structs`);
    return Array.isArray(value) ? array(value, depth + 1) : struct(value, depth + 1);
  };

  const step = (key: string | number, value: unknown, depth: number): string => {
    path.push(key);
    const written = element('value', typed(value, depth));
    path.pop();
    return written;
  };

  const array = (value: readonly unknown[], depth: number): string => {
    let items = '';
    for (let index = 0; index < value.length; index++) items += step(index, value[index], depth);
    return `<array><data>${items}</data></array>`;
  };

  const struct = (value: { [key: string]: unknown }, depth: number): string => {
    let members = '';
    for (const key of Object.keys(value)) {
      members += `<member>${element('name', text(key))}${step(key, value[key], depth)}</member>`;
    }
    return `<struct>${members}</struct>`;
  };

  return element('value', typed(value, 0));
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}
