/**
 * Message classes: the declaration of a class's attributes, and the conversion of its objects to
 * XML-RPC values and back. Used by Client for sending and by Inbox for receiving; the same check
 * runs at both ends. Pure: no I/O.
 */
import { MESSAGE_TYPE, type MessageOnWire } from '../../protocol/rpc/contract/deliveries.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import {
  describeValue,
  FORBIDDEN_IN_XML,
  isStruct,
  setMember,
  showPath,
  type RpcStruct,
  type RpcValue,
} from '../../protocol/rpc/xml-rpc/values.js';

const SCALARS = ['string', 'number', 'boolean', 'date', 'bytes'] as const;
type Scalar = (typeof SCALARS)[number];

/**
 * Type of an attribute: a scalar, with `?` when it may be undefined; `[T]`: an array of any length;
 * `{ … }`: a record of the stated members.
 *
 * | type | value | what is sent |
 * | --- | --- | --- |
 * | `string` | string | all text but the characters that XML forbids (most control characters, lone surrogates) |
 * | `number` | number | every finite number, exactly, -0 included; NaN and the infinities are refused |
 * | `boolean` | boolean | |
 * | `date` | Date | years 0 to 9999, to the millisecond |
 * | `bytes` | Uint8Array | arrives as a Uint8Array, also when it was a Buffer |
 */
export type AttributeType =
  Scalar | `${Scalar}?` | readonly [AttributeType] | { readonly [member: string]: AttributeType };

/**
 * The declaration of a message class: `static readonly attributes = { run: 'number' } satisfies
 * Attributes`.
 */
export type Attributes = { readonly [attribute: string]: AttributeType };

/**
 * A class whose objects are messages. Its objects have the declared attributes and no other
 * enumerable property. The receiver's object is created without its constructor and gets the
 * sender's attributes one by one, so it has no private (`#`) fields.
 */
export interface MessageClass<M extends object = object> {
  new (...args: never[]): M;
  /** The prototype of received objects, which are created without the constructor. */
  readonly prototype: M;
  /** Type of the message, the same in all programs. */
  readonly name: string;
  /** The attributes that are sent, each with its type. */
  readonly attributes: Attributes;
  /**
   * The name by which programs identify the class: 1 to 64 letters, digits, `.`, `_`, `-`. Default:
   * the name of the class.
   */
  readonly type?: string;
}

/** A message with a method that runs at the receiver, on the object in the sender's state. */
export interface Invocable {
  invoke(): unknown;
}

/**
 * The type of a message class. Throws BAD_OPTION for a class without a valid declaration.
 */
export function messageTypeOf(cls: MessageClass): string {
  if ((cls as unknown) === undefined || (cls as unknown) === null) throw badClass(cls, 'it must be a class');
  const type: unknown = Object.hasOwn(cls, 'type') ? cls.type : cls.name;
  if (typeof type !== 'string' || !MESSAGE_TYPE.test(type)) {
    throw badClass(
      cls,
      `its type is ${describeValue(type)}; it must be 1 to 64 letters, digits, ".", "_" or "-"`,
    );
  }
  const attributes: unknown = cls.attributes;
  if (!isStruct(attributes)) {
    throw badClass(cls, "it must declare `static readonly attributes = { name: 'string', … }`");
  }
  for (const [name, declared] of Object.entries(attributes)) checkDeclaration(cls, [name], declared);
  return type;
}

/**
 * A message as XML-RPC values. Throws BAD_OPTION for an object of another class,
 * INVALID_PARAMETERS for values that cannot be sent.
 */
export function messageToWire(message: object): MessageOnWire {
  if (typeof (message as unknown) !== 'object' || (message as unknown) === null) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the message is ${describeValue(message)}; it must be an object of a message class`,
    );
  }
  const cls = message.constructor as MessageClass;
  const type = messageTypeOf(cls);
  return {
    type,
    attributes: checkRecord(type, [], cls.attributes, Object.fromEntries(Object.entries(message))),
  };
}

/**
 * The receiver's object: of the class, in the sender's state. Throws INVALID_PARAMETERS when the
 * attributes are not the declared ones.
 */
export function messageFromWire<M extends object>(
  cls: MessageClass<M>,
  { type, attributes }: MessageOnWire,
): M {
  const message = Object.create(cls.prototype) as M;
  const checked = checkRecord(type, [], cls.attributes, attributes);
  for (const name of Object.keys(cls.attributes)) {
    // An attribute that was left out is undefined, like an unset field of a class.
    const value = Object.hasOwn(checked, name) ? checked[name] : undefined;
    Object.defineProperty(message, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return message;
}

/** Throws INVALID_PARAMETERS when the attributes of a message are not the declared ones. */
export function checkAttributes(declared: Attributes, { type, attributes }: MessageOnWire): void {
  checkRecord(type, [], declared, attributes);
}

export function isInvocable(message: object): message is Invocable {
  return 'invoke' in message && typeof message.invoke === 'function';
}

type Path = readonly (string | number)[];

function checkDeclaration(cls: MessageClass, path: Path, declared: unknown): void {
  if (path.length > LIMITS.rpcDepthLevels / 2)
    throw badClass(cls, `${showPath('attributes', path)} is nested too deeply`);
  if (
    typeof declared === 'string' &&
    SCALARS.some((scalar) => declared === scalar || declared === `${scalar}?`)
  )
    return;
  if (Array.isArray(declared) && declared.length === 1) {
    checkDeclaration(cls, [...path, 0], declared[0]);
  } else if (isStruct(declared)) {
    for (const [name, member] of Object.entries(declared)) checkDeclaration(cls, [...path, name], member);
  } else {
    throw badClass(
      cls,
      `${showPath('attributes', path)} is ${describeValue(declared)}; it must be one of ${SCALARS.join(', ')} (with "?" behind it ` +
        'when it may be undefined), [type] for an array, or { member: type } for a record',
    );
  }
}

function checkRecord(
  type: string,
  path: Path,
  declared: Attributes,
  value: { [key: string]: unknown },
): RpcStruct {
  const undeclared = Object.keys(value).find((key) => !Object.hasOwn(declared, key));
  if (undeclared !== undefined) {
    const names = Object.keys(declared).join(', ');
    throw invalid(
      type,
      [...path, undeclared],
      `is not declared; declared are ${names === '' ? 'none' : names}`,
    );
  }
  const checked: RpcStruct = {};
  for (const [name, member] of Object.entries(declared)) {
    const attribute = Object.hasOwn(value, name) ? value[name] : undefined;
    if (attribute === undefined && typeof member === 'string' && member.endsWith('?')) continue;
    setMember(checked, name, checkValue(type, [...path, name], member, attribute));
  }
  return checked;
}

function checkValue(type: string, path: Path, declared: AttributeType, value: unknown): RpcValue {
  if (typeof declared === 'string')
    return checkScalar(type, path, declared.replace('?', '') as Scalar, value);
  if (isArrayType(declared)) {
    if (!Array.isArray(value)) throw invalid(type, path, `must be an array, and is ${describeValue(value)}`);
    return Array.from(value, (item: unknown, index) => checkValue(type, [...path, index], declared[0], item));
  }
  if (!isStruct(value)) throw invalid(type, path, `must be a record, and is ${describeValue(value)}`);
  return checkRecord(type, path, declared, value);
}

function isArrayType(declared: Exclude<AttributeType, string>): declared is readonly [AttributeType] {
  return Array.isArray(declared);
}

function checkScalar(type: string, path: Path, scalar: Scalar, value: unknown): RpcValue {
  const problem = (allowed: string): MirrorflowError =>
    invalid(type, path, `must be ${allowed}, and is ${describeValue(value)}`);
  switch (scalar) {
    case 'string': {
      if (typeof value !== 'string') throw problem('a string');
      const forbidden = FORBIDDEN_IN_XML.exec(value);
      if (forbidden === null) return value;
      const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
      throw invalid(
        type,
        path,
        `holds the character U+${code}, which XML cannot carry; declare the attribute as bytes`,
      );
    }
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw problem('a finite number');
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw problem('a boolean');
      return value;
    case 'date':
      if (!(value instanceof Date) || !(value.getTime() >= YEAR_FIRST_MS && value.getTime() < YEAR_END_MS))
        throw problem('a date of the years 0 to 9999');
      return value;
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw problem('bytes (a Uint8Array)');
      return value;
  }
}

const YEAR_FIRST_MS = Date.parse('0000-01-01T00:00:00Z');
const YEAR_END_MS = Date.parse('+010000-01-01T00:00:00Z');

function invalid(type: string, path: Path, why: string): MirrorflowError {
  const attribute = showPath('', path).slice(1);
  return new MirrorflowError('INVALID_PARAMETERS', `message ${type}: attribute ${attribute} ${why}`, {
    type,
    attribute,
  });
}

function badClass(cls: MessageClass, why: string): MirrorflowError {
  const name = typeof cls === 'function' ? cls.name : describeValue(cls);
  return new MirrorflowError('BAD_OPTION', `${name} is not a message class: ${why}`);
}
