/**
 * Schemas of the parameters and results of the XML-RPC contract. A schema checks a value and
 * reports the exact place of a mistake; it carries its documentation, its XML-RPC type and the
 * TypeScript type of the accepted values. The contract (`protocol/rpc/contract`), the configuration
 * file and options in JSON use them. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import { checkName, NAME_PATTERN, type NameKind } from '../../base/names.js';
import { LIMITS } from '../../base/limits.js';
import { NO_JSON, type JsonSchema } from './json-schema.js';
import { describeValue, isStruct, setMember, showPath, type RpcValue } from './values.js';

/** The type names of XML-RPC and `any`, as system.methodSignature returns them. */
export type RpcTypeName =
  'string' | 'int' | 'double' | 'boolean' | 'dateTime.iso8601' | 'base64' | 'array' | 'struct' | 'any';

/** The place of a checked value, for errors. A check pushes and pops `path` as it descends. */
export interface Place {
  readonly method: string;
  /** The parameter's name, or `result`. */
  readonly root: string;
  readonly path: (string | number)[];
  /**
   * `refuse` for parameters, where an unknown member is a mistake; `drop` for results, where it may
   * come from a newer server.
   */
  readonly unknownMembers: 'refuse' | 'drop';
}

/**
 * A check of one value; every accepted value is an RpcValue. `check` returns the value to send
 * (structs as new plain objects) or throws INVALID_PARAMETERS.
 */
export interface Schema<T = unknown> {
  readonly type: RpcTypeName;
  /** The accepted values in words: `an int of 1 to 65535`. */
  readonly doc: string;
  /** The accepted values that JSON can state. */
  readonly json: JsonSchema;
  check(value: unknown, place: Place): T;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;

/** INVALID_PARAMETERS with the facts method, parameter, path and expected. */
function refusal(place: Place, expected: string, value: unknown): MirrorflowError {
  const path = showPath(place.root, place.path);
  return new MirrorflowError(
    'INVALID_PARAMETERS',
    `${place.method}: ${path} must be ${expected}, and is ${describeValue(value)}`,
    { method: place.method, parameter: place.root, path, expected },
  );
}

function schema<T>(
  type: RpcTypeName,
  doc: string,
  json: JsonSchema,
  accepts: (value: unknown) => value is T,
): Schema<T> {
  return {
    type,
    doc,
    json: { description: doc, ...json },
    check(value, place) {
      if (!accepts(value)) throw refusal(place, doc, value);
      return value;
    },
  };
}

export interface StringOptions {
  readonly maxCharacters?: number;
  /** Include `^` and `$` to match the whole string. */
  readonly pattern?: RegExp;
  /** The meaning of the string, in words; explains a pattern. */
  readonly doc?: string;
  /** For the JSON schema alone: a pattern of what code besides the schema checks. */
  readonly jsonPattern?: string;
}

export function string(options: StringOptions = {}): Schema<string> {
  const { maxCharacters, pattern, jsonPattern = pattern?.source } = options;
  const bound = maxCharacters === undefined ? '' : boundText(`at most ${maxCharacters} characters`, options);
  const form = pattern === undefined || options.doc !== undefined ? '' : ` like ${pattern.source}`;
  return schema(
    'string',
    `${options.doc ?? 'a string'}${bound}${form}`,
    {
      type: 'string',
      ...(maxCharacters !== undefined && { maxLength: maxCharacters }),
      ...(jsonPattern !== undefined && { pattern: jsonPattern }),
    },
    (value): value is string =>
      typeof value === 'string' &&
      (maxCharacters === undefined || value.length <= maxCharacters) &&
      (pattern === undefined || pattern.test(value)),
  );
}

/** One of the listed strings. */
export function oneOf<const V extends string>(values: readonly V[]): Schema<V> {
  return schema(
    'string',
    `one of ${values.map((value) => `"${value}"`).join(', ')}`,
    { enum: values },
    (value): value is V => values.some((allowed) => allowed === value),
  );
}

/** Names as parts of a JSON schema; `name` and the names of members use it. */
export const NAME_JSON: JsonSchema = {
  type: 'string',
  pattern: NAME_PATTERN,
  maxLength: LIMITS.nameCharacters,
};

/**
 * The name of an application, flow, client, program or host. A string that is not a name is refused
 * with BAD_NAME and the rule for names.
 */
export function name(kind: NameKind): Schema<string> {
  const doc = `the name of ${kind === 'application' ? 'an' : 'a'} ${kind}`;
  return {
    type: 'string',
    doc,
    json: { description: doc, ...NAME_JSON },
    check(value, place) {
      if (typeof value !== 'string') throw refusal(place, doc, value);
      return checkName(kind, value);
    },
  };
}

export interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  /** The meaning of the number, in words, with its unit. */
  readonly doc?: string;
}

/** An integer; default range: -(2^53 - 1) to 2^53 - 1. Beyond 32 bits it is sent as a double. */
export function int(options: NumberOptions = {}): Schema<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  return schema(
    'int',
    `${options.doc ?? 'an int'}${range(options)}`,
    { type: 'integer', minimum: min, maximum: max },
    (value): value is number => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

/** A finite number, integers included. */
export function double(options: NumberOptions = {}): Schema<number> {
  const { min = -Infinity, max = Infinity } = options;
  return schema(
    'double',
    `${options.doc ?? 'a double'}${range(options)}`,
    { type: 'number', ...bounds(options) },
    (value): value is number => Number.isFinite(value) && Number(value) >= min && Number(value) <= max,
  );
}

function bounds({ min, max }: NumberOptions): JsonSchema {
  return { ...(min !== undefined && { minimum: min }), ...(max !== undefined && { maximum: max }) };
}

function range(options: NumberOptions): string {
  const { min, max } = options;
  if (min !== undefined && max !== undefined) return boundText(`${min} to ${max}`, options);
  if (min !== undefined) return boundText(`at least ${min}`, options);
  return max === undefined ? '' : boundText(`at most ${max}`, options);
}

/** `an int of 1 to 9`, but `TCP port; 0 means any free port (0 to 65535)`. */
function boundText(bound: string, { doc }: { readonly doc?: string }): string {
  return doc === undefined ? ` of ${bound}` : ` (${bound})`;
}

export function boolean(doc = 'a boolean'): Schema<boolean> {
  return schema('boolean', doc, { type: 'boolean' }, (value): value is boolean => typeof value === 'boolean');
}

export function date(): Schema<Date> {
  return schema(
    'dateTime.iso8601',
    'a date and time (UTC)',
    NO_JSON,
    (value): value is Date => value instanceof Date && !Number.isNaN(value.getTime()),
  );
}

export function bytes(options: { readonly maxBytes?: number } = {}): Schema<Uint8Array> {
  const { maxBytes = Infinity } = options;
  return schema(
    'base64',
    maxBytes === Infinity ? 'bytes' : `at most ${maxBytes} bytes`,
    NO_JSON,
    (value): value is Uint8Array => value instanceof Uint8Array && value.length <= maxBytes,
  );
}

/** Any value of XML-RPC. The schema refuses null and undefined; the encoder checks the rest. */
export function any(): Schema<RpcValue> {
  return schema('any', 'any value', {}, (value): value is RpcValue => value !== undefined && value !== null);
}

export function arrayOf<T>(element: Schema<T>, options: { readonly maxCount?: number } = {}): Schema<T[]> {
  const { maxCount = Infinity } = options;
  const bound = maxCount === Infinity ? '' : ` of at most ${maxCount}`;
  const doc = `an array${bound}, each ${element.doc}`;
  return {
    type: 'array',
    doc,
    get json() {
      const bound = maxCount === Infinity ? {} : { maxItems: maxCount };
      return { type: 'array', items: element.json, ...bound } as const;
    },
    check(value, place) {
      if (!Array.isArray(value) || value.length > maxCount) throw refusal(place, doc, value);
      return value.map((item, index) => checkAt(element, item, place, index));
    },
  };
}

/**
 * A struct with members of any names and the same schema, such as properties or facts. `json`: what
 * code besides the schema checks about the names, for the JSON schema alone.
 */
export function mapOf<T>(
  member: Schema<T>,
  options: { readonly json?: JsonSchema } = {},
): Schema<{ [key: string]: T }> {
  const doc = `a struct, each member ${member.doc}`;
  return {
    type: 'struct',
    doc,
    get json() {
      return { type: 'object', additionalProperties: member.json, ...options.json } as const;
    },
    check(value, place) {
      if (!isStruct(value)) throw refusal(place, doc, value);
      const checked: { [key: string]: T } = {};
      for (const key of Object.keys(value)) setMember(checked, key, checkAt(member, value[key], place, key));
      return checked;
    },
  };
}

/** A struct member that may be omitted. */
export interface OptionalMember<T> {
  readonly optional: Schema<T>;
}

export function optional<T>(schema: Schema<T>): OptionalMember<T> {
  return { optional: schema };
}

export type Members = { readonly [key: string]: Schema | OptionalMember<unknown> };

type RequiredKeys<M extends Members> = {
  [K in keyof M]: M[K] extends Schema ? K : never;
}[keyof M];

type StructOf<M extends Members> = { -readonly [K in RequiredKeys<M>]: TypeOf<M[K]> } & {
  -readonly [K in Exclude<keyof M, RequiredKeys<M>>]?: M[K] extends OptionalMember<infer T> ? T : never;
};

/** Rewrites an intersection as one object type, which gives shorter types in compiler errors. */
type Flat<T> = { [K in keyof T]: T[K] };

type StructType<M extends Members> = Flat<StructOf<M>>;

/** A struct with the given members. */
export function struct<const M extends Members>(members: M): Schema<StructType<M>> {
  const names = Object.keys(members);
  const doc = `a struct { ${names
    .map((name) => {
      const member = members[name] as Members[string];
      return 'optional' in member ? `${name}?: ${member.optional.doc}` : `${name}: ${member.doc}`;
    })
    .join('; ')} }`;
  const check = (value: unknown, place: Place): unknown => {
    if (typeof value !== 'object' || !hasMembers(value)) throw refusal(place, doc, value);
    if (place.unknownMembers === 'refuse') refuseUnknownMembers(value, names, place);
    const checked: { [key: string]: unknown } = {};
    for (const name of names) {
      const member = members[name] as Members[string];
      const memberValue = Object.hasOwn(value, name) ? value[name] : undefined;
      if ('optional' in member && memberValue === undefined) continue;
      const schema = 'optional' in member ? member.optional : member;
      setMember(checked, name, checkAt(schema, memberValue, place, name));
    }
    return checked;
  };
  return {
    type: 'struct',
    doc,
    // Made when it is asked for: servers never do.
    get json() {
      return structJson(members);
    },
    check: check as Schema<StructType<M>>['check'],
  };
}

function structJson(members: Members): JsonSchema {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, member]) => [name, 'optional' in member ? member.optional.json : member.json]),
    ),
    required: entries.filter(([, member]) => !('optional' in member)).map(([name]) => name),
    additionalProperties: false,
  };
}

/** Handlers may return class instances as structs, but not arrays, dates or bytes. */
function hasMembers(value: object | null): value is { [key: string]: unknown } {
  return (
    value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array)
  );
}

function refuseUnknownMembers(value: object, known: readonly string[], place: Place): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const path = showPath(place.root, place.path);
  throw new MirrorflowError(
    'INVALID_PARAMETERS',
    `${place.method}: ${path} has no member ${JSON.stringify(unknown.slice(0, 80))}; its members are ${known.join(', ')}`,
    { method: place.method, parameter: place.root, path },
  );
}

function checkAt<T>(schema: Schema<T>, value: unknown, place: Place, step: string | number): T {
  place.path.push(step);
  const checked = schema.check(value, place);
  place.path.pop();
  return checked;
}
