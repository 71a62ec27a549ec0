/**
 * Turns a value into what the package's serializer writes correctly: every leaf becomes one of its custom types
 * with the exact text, since its own leaves write wrong integers, local times and broken CDATA. Refuses what could not be read back.
 */
import CustomType from 'xmlrpc/lib/customtype.js';
import { MirrorflowError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { formatDateTime } from './date-time.js';
import { describeValue, FORBIDDEN_IN_XML, isStruct, showPath } from './values.js';

const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
/** No document of the largest size holds more values: each takes at least `<value></value>`. Ends cycles too. */
const VALUES_PER_DOCUMENT = Math.floor(LIMITS.rpcBodyBytes / '<value></value>'.length);

type Path = (string | number)[];

class Leaf extends CustomType {
  override readonly tagName: string;

  constructor(tagName: string, text: string) {
    super(text);
    this.tagName = tagName;
  }
}

/**
 * The value as the serializer takes it. `root` names it in errors (`params`, `result`).
 * Throws INVALID_PARAMETERS with the path of what cannot be sent, TOO_LARGE for more values than a document holds.
 */
export function prepareForSerializer(root: string, value: unknown): unknown {
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
    if (forbidden === null) return value;
    const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
    return refuse(
      `XML forbids the character U+${code} at position ${forbidden.index}; send such text as bytes`,
    );
  };

  const number = (value: number): Leaf => {
    if (!Number.isFinite(value)) refuse(`${value} is not a finite number`);
    if (Object.is(value, -0)) return new Leaf('double', '-0');
    const fits = Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX;
    return new Leaf(fits ? 'int' : 'double', String(value));
  };

  const prepare = (value: unknown, depth: number): unknown => {
    left -= 1;
    if (left < 0) {
      throw new MirrorflowError('TOO_LARGE', `${root} holds more than ${VALUES_PER_DOCUMENT} values`);
    }
    if (typeof value === 'string') return new Leaf('string', text(value));
    if (typeof value === 'number') return number(value);
    if (typeof value === 'boolean') return new Leaf('boolean', value ? '1' : '0');
    if (value instanceof Uint8Array) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return new Leaf('base64', bytes.toString('base64'));
    }
    if (value instanceof Date) {
      return new Leaf(
        'dateTime.iso8601',
        formatDateTime(value) ?? refuse('a date without a four-digit year'),
      );
    }
    if (!Array.isArray(value) && !isStruct(value)) return refuse(describeValue(value));
    if (depth >= LIMITS.rpcDepth) refuse(`nested deeper than ${LIMITS.rpcDepth} arrays and structs`);
    return Array.isArray(value) ? array(value, depth + 1) : struct(value, depth + 1);
  };

  const step = (key: string | number, value: unknown, depth: number): unknown => {
    path.push(key);
    const prepared = prepare(value, depth);
    path.pop();
    return prepared;
  };

  const array = (value: readonly unknown[], depth: number): unknown[] => {
    const prepared: unknown[] = [];
    for (let index = 0; index < value.length; index++) prepared.push(step(index, value[index], depth));
    return prepared;
  };

  const struct = (value: { [key: string]: unknown }, depth: number): unknown => {
    // Without a prototype, `__proto__` is a member like any other.
    const prepared = Object.create(null) as Record<string, unknown>;
    for (const key of Object.keys(value)) prepared[text(key)] = step(key, value[key], depth);
    return prepared;
  };

  return prepare(value, 0);
}
