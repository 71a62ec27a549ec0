/**
 * The values of XML-RPC as JavaScript values, with tests and descriptions of values for the
 * schemas, the codec and error messages. Pure.
 */

/**
 * A value of XML-RPC. Numbers are finite: integers of 32 bits are sent as `<int>`, all others as
 * `<double>` (integers are exact to 2^53). Strings contain only characters that XML allows. There
 * is no null: an absent struct member is omitted. Dates are sent in UTC with milliseconds.
 */
export type RpcValue =
  string | number | boolean | Date | Uint8Array | RpcValue[] | { [key: string]: RpcValue };

export type RpcStruct = { [key: string]: RpcValue };

/**
 * Characters that no XML 1.0 document may contain, even escaped: control characters,
 * non-characters and lone surrogates.
 */
// oxlint-disable-next-line no-control-regex -- the expression finds these characters
export const FORBIDDEN_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/** Replaces characters that XML forbids by U+FFFD, for error messages that quote any text. */
export function printableInXml(text: string): string {
  return text.replace(new RegExp(FORBIDDEN_IN_XML, 'gu'), '\ufffd');
}

/** Sets an own member of any name: assigning to `__proto__` would change the prototype instead. */
export function setMember<T>(target: { [key: string]: T }, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}

/** Whether a value is a struct, as opposed to a class instance, an array, a date or bytes. */
export function isStruct(value: unknown): value is { [key: string]: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Describes a value in words for an error message. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Date) return 'a date';
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'string') {
    return value.length > 60
      ? `a string of ${value.length} characters`
      : `the string ${JSON.stringify(value)}`;
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'object')
    return isStruct(value) ? 'a struct' : `an object of ${value.constructor.name}`;
  return `a ${typeof value}`;
}

/** The place within a value for an error message: `params[0].name`. */
export function showPath(root: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (shown, step) => (typeof step === 'number' ? `${shown}[${step}]` : `${shown}.${step.slice(0, 80)}`),
    root,
  );
}
