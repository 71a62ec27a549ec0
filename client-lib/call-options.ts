/**
 * Checks of what programs pass to the library, for all rooms of it: names of options, waits and
 * their abort. A wrong option is refused by name, so that a misspelt one is not ignored. Pure: no
 * I/O.
 */
import { MirrorflowError } from '../protocol/base/errors.js';

/** Options by the names that they had before, with their present names. */
type Renamed = Readonly<Record<string, string>>;

/**
 * Throws BAD_OPTION unless `options` is an object with no other options than `names`. `call`: the
 * name of the call for the message.
 */
export function checkOptionNames(
  call: string,
  options: object,
  names: readonly string[],
  renamed: Renamed = {},
): void {
  checkOptionObject(call, options, names);
  for (const name in options) {
    if (names.includes(name)) continue;
    const present = Object.hasOwn(renamed, name) ? renamed[name] : undefined;
    const advice = present === undefined ? `its options are ${names.join(', ')}` : `it is now ${present}`;
    throw new MirrorflowError('BAD_OPTION', `${call} has no option ${name}; ${advice}`, { option: name });
  }
}

/** Throws BAD_OPTION unless `options` is an object; `names` are for the message. */
export function checkOptionObject(call: string, options: unknown, names: readonly string[]): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `the options of ${call} are ${showValue(options)}; they must be an object with ${names.join(', ')}`,
    { call },
  );
}

/** Checks an optional `signal` and `timeoutMs` of a call that waits. Throws BAD_OPTION. */
export function checkWait(
  call: string,
  options: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
  names: readonly string[],
): void {
  checkOptionNames(call, options, names);
  const { signal, timeoutMs } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `timeoutMs of ${call} is ${showValue(timeoutMs)}; it must be milliseconds from 0`,
      { option: 'timeoutMs' },
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `signal of ${call} is ${showValue(signal)}; it must be an AbortSignal`,
      { option: 'signal' },
    );
  }
}

/** Throws BAD_OPTION unless it is a number of milliseconds from 0. */
export function checkTime(option: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${option} is ${showValue(value)}; it must be milliseconds from 0`,
    { option },
  );
}

/** The error of every call that its signal aborts: CLOSED, with the signal's reason as cause. */
export function abortedError(call: string, signal: AbortSignal | undefined): MirrorflowError {
  return new MirrorflowError('CLOSED', `the ${call} was aborted`, {}, signal?.reason);
}

/** A wrong value for a message. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80));
  if (value === null || typeof value !== 'object') return String(value);
  const name = (value as { constructor?: { name?: string } }).constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `a value of class ${name}`;
}
