/**
 * What a parameter or result may be: a small set of checks that say precisely what was wrong and
 * where, carry their documentation and XML-RPC type, and give the TypeScript type of what they let
 * through.
 */
import { MirrorflowError } from '../../base/errors.js';
import { checkName, type NameKind } from '../../base/names.js';
import { describeValue, isStruct, setMember, showPath, type RpcValue } from './values.js';

/** The type names of XML-RPC, and `any`, as system.methodSignature shows them. */
export type RpcTypeName =
  'string' | 'int' | 'double' | 'boolean' | 'dateTime.iso8601' | 'base64' | 'array' | 'struct' | 'any';

/**
 * Where a value that is checked stands. `path` grows and shrinks while the check walks through the
 * value.
 */
export interface Place {
  readonly method: string;
  /** The parameter's name, or `result`. */
  readonly root: string;
  readonly path: (string | number)[];
  /**
   * `refuse` for parameters, where an unknown member is a mistake; `drop` for results, where it may
   * be a newer server's.
   */
  readonly unknownMembers: 'refuse' | 'drop';
}

/**
 * A check of one value. Whatever passes is an RpcValue. `check` returns it as it travels (structs
 * as new plain objects) or throws INVALID_PARAMETERS.
 */
export interface Schema<T = unknown> {
  readonly type: RpcTypeName;
  /** What it lets through, in words: `an int of 1 to 65535`. */
  readonly doc: string;
  check(value: unknown, place: Place): T;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;

/**
 * INVALID_PARAMETERS for a value that is not what `expected` says, with the facts method,
 * parameter, path.
 */
function refusal(place: Place, expected: string, value: unknown): MirrorflowError {
  const path = showPath(place.root, place.path);
  return new MirrorflowError(
    'INVALID_PARAMETERS',
    `${place.method}: ${path} must be ${expected}, and is ${describeValue(value)}`,
    { method: place.method, parameter: place.root, path, expected },
  );
}

function schema<T>(type: RpcTypeName, doc: string, accepts: (value: unknown) => value is T): Schema<T> {
  return {
    type,
    doc,
    check(value, place) {
      if (!accepts(value)) throw refusal(place, doc, value);
      return value;
    },
  };
}

export interface StringOptions {
  readonly maxCharacters?: number;
  /** Must match as a whole: give it `^` and `$`. */
  readonly pattern?: RegExp;
  /** What it is, in words; needed for a pattern to be understood. */
  readonly doc?: string;
}

export function string(options: StringOptions = {}): Schema<string> {
  const { maxCharacters, pattern } = options;
  const bound = maxCharacters === undefined ? '' : ` of at most ${maxCharacters} characters`;
  const form = pattern === undefined || options.doc !== undefined ? '' : ` like ${pattern.source}`;
  return schema(
    'string',
    `${options.doc ?? 'a string'}${bound}${form}`,
    (value): value is string =>
      typeof value === 'string' &&
      (maxCharacters === undefined || value.length <= maxCharacters) &&
      (pattern === undefined || pattern.test(value)),
  );
}

/** One of a few words. */
export function oneOf<const V extends string>(values: readonly V[]): Schema<V> {
  return schema('string', `one of ${values.map((value) => `"${value}"`).join(', ')}`, (value): value is V =>
    values.some((allowed) => allowed === value),
  );
}

/**
 * The name of an application, flow, client or program; refused with BAD_NAME, which says what a
 * name looks like.
 */
export function name(kind: NameKind): Schema<string> {
  const doc = `the name of ${kind === 'application' ? 'an' : 'a'} ${kind}`;
  return {
    type: 'string',
    doc,
    check(value, place) {
      if (typeof value !== 'string') throw refusal(place, doc, value);
      return checkName(kind, value);
    },
  };
}

export interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  /** What it is, in words, with its unit. */
  readonly doc?: string;
}

/** An integer, by default of -(2^53 - 1) to 2^53 - 1. Beyond 32 bits it travels as a double. */
export function int(options: NumberOptions = {}): Schema<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  return schema(
    'int',
    `${options.doc ?? 'an int'}${range(options)}`,
    (value): value is number => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max,
  );
}

/** A finite number. An int is one too. */
export function double(options: NumberOptions = {}): Schema<number> {
  const { min = -Infinity, max = Infinity } = options;
  return schema(
    'double',
    `${options.doc ?? 'a double'}${range(options)}`,
    (value): value is number => Number.isFinite(value) && Number(value) >= min && Number(value) <= max,
  );
}

function range({ min, max }: NumberOptions): string {
  if (min !== undefined && max !== undefined) return ` of ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

export function boolean(): Schema<boolean> {
  return schema('boolean', 'a boolean', (value): value is boolean => typeof value === 'boolean');
}

export function date(): Schema<Date> {
  return schema(
    'dateTime.iso8601',
    'a date and time (UTC)',
    (value): value is Date => value instanceof Date && !Number.isNaN(value.getTime()),
  );
}

export function bytes(options: { readonly maxBytes?: number } = {}): Schema<Uint8Array> {
  const { maxBytes = Infinity } = options;
  return schema(
    'base64',
    maxBytes === Infinity ? 'bytes' : `at most ${maxBytes} bytes`,
    (value): value is Uint8Array => value instanceof Uint8Array && value.length <= maxBytes,
  );
}

/** Anything that can travel. Only its kind is checked here; the encoder checks what is inside. */
export function any(): Schema<RpcValue> {
  return schema('any', 'any value', (value): value is RpcValue => value !== undefined && value !== null);
}

export function arrayOf<T>(element: Schema<T>, options: { readonly maxCount?: number } = {}): Schema<T[]> {
  const { maxCount = Infinity } = options;
  const bound = maxCount === Infinity ? '' : ` of at most ${maxCount}`;
  const doc = `an array${bound}, each ${element.doc}`;
  return {
    type: 'array',
    doc,
    check(value, place) {
      if (!Array.isArray(value) || value.length > maxCount) throw refusal(place, doc, value);
      return value.map((item, index) => checkAt(element, item, place, index));
    },
  };
}

/** A struct whose members have any names and the same schema: properties, facts. */
export function mapOf<T>(member: Schema<T>): Schema<{ [key: string]: T }> {
  const doc = `a struct, each member ${member.doc}`;
  return {
    type: 'struct',
    doc,
    check(value, place) {
      if (!isStruct(value)) throw refusal(place, doc, value);
      const checked: { [key: string]: T } = {};
      for (const key of Object.keys(value)) setMember(checked, key, checkAt(member, value[key], place, key));
      return checked;
    },
  };
}

/** A struct member that may be left out. */
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

/**
 * The members of an intersection written as one object type, so that types and their errors stay
 * readable.
 */
type Flat<T> = { [K in keyof T]: T[K] };

type StructType<M extends Members> = Flat<StructOf<M>>;

/** A struct of stated members. */
export function struct<const M extends Members>(members: M): Schema<StructType<M>> {
  const names = Object.keys(members);
  const doc = `a struct { ${names
    .map((name) => {
      const member = members[name] as Members[string];
      return 'optional' in member ? `${name}?: ${member.optional.doc}` : `${name}: ${member.doc}`;
    })
    .join('; ')} }`;
  const check = (value: unknown, place: Place): unknown => {
    if (typeof value !== 'object' || !isMemberHolder(value)) throw refusal(place, doc, value);
    if (place.unknownMembers === 'refuse') refuseUnknown(value, names, place);
    const checked: { [key: string]: unknown } = {};
    for (const name of names) {
      const member = members[name] as Members[string];
      const held = Object.hasOwn(value, name) ? value[name] : undefined;
      if ('optional' in member && held === undefined) continue;
      setMember(checked, name, checkAt('optional' in member ? member.optional : member, held, place, name));
    }
    return checked;
  };
  return { type: 'struct', doc, check: check as Schema<StructType<M>>['check'] };
}

/**
 * Handlers may return class instances with the right members; arrays, dates and bytes are no
 * structs.
 */
function isMemberHolder(value: object | null): value is { [key: string]: unknown } {
  return (
    value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array)
  );
}

function refuseUnknown(value: object, known: readonly string[], place: Place): void {
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
