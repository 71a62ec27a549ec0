/** What can travel in an XML-RPC document, as JavaScript values. */

/**
 * A value of XML-RPC. Numbers are finite: integers of 32 bits travel as `<int>`, all others as
 * `<double>` (integers are exact to 2^53). Strings hold only characters that XML allows. There is
 * no null: an absent struct member is left out. Dates travel in UTC, to the millisecond.
 */
export type RpcValue =
  string | number | boolean | Date | Uint8Array | RpcValue[] | { [key: string]: RpcValue };

export type RpcStruct = { [key: string]: RpcValue };

/**
 * Control characters and non-characters that no XML 1.0 document may hold, even escaped, and lone
 * surrogates.
 */
// oxlint-disable-next-line no-control-regex -- these characters are what it is about
export const FORBIDDEN_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/**
 * `text` with everything XML forbids replaced by U+FFFD; for messages that must go out whatever
 * they quote.
 */
export function printableInXml(text: string): string {
  return text.replace(new RegExp(FORBIDDEN_IN_XML, 'gu'), '\ufffd');
}

/**
 * Sets an own member whatever its name is: `__proto__` by assignment would change the prototype
 * instead.
 */
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

/** What a value is, in words for an error message. */
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

/** `params[0].name`: where in a value something is, for an error message. */
export function showPath(root: string, path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (shown, step) => (typeof step === 'number' ? `${shown}[${step}]` : `${shown}.${step.slice(0, 80)}`),
    root,
  );
}
