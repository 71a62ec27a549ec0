/**
 * Options of an application: those to start it with, and how two of them differ. Used by the
 * applications of a host server. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import { isStruct } from '../../protocol/rpc/xml-rpc/values.js';
import { checkRecordOptions } from '../../protocol/rpc/contract/recorder.js';
import { APPLICATION_SETTINGS, type ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';

/** All members but the name. */
const SETTINGS = [
  'port',
  ...(Object.keys(APPLICATION_SETTINGS) as (keyof typeof APPLICATION_SETTINGS)[]),
] as const;

/**
 * The options to start an application with: those asked for, over its configuration if it has one.
 * With a name only, an application without configuration gets the options of its last run, and with
 * others its last source, unless they state one.
 */
export function completeOptions(
  asked: ApplicationOptions,
  configured: ApplicationOptions | undefined,
  last: ApplicationOptions | undefined,
): ApplicationOptions {
  if (configured !== undefined) {
    const { source: _source, via: _via, ...rest } = configured;
    return { ...rest, ...sourceOf(configured, asked), ...asked };
  }
  if (last === undefined) return asked;
  const nameOnly = SETTINGS.every((member) => asked[member] === undefined);
  return nameOnly ? last : { ...sourceOf(last, asked), ...asked };
}

/** The source of a mirror is one setting of two members, stated as a whole. */
function sourceOf(
  { source, via }: ApplicationOptions,
  asked: ApplicationOptions,
): Partial<ApplicationOptions> {
  return asked.source === undefined && asked.via === undefined ? stated({ source, via }) : {};
}

function stated<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** Each setting that was asked for and differs, with both values; undefined when none differs. */
export function optionsDifference(
  present: ApplicationOptions,
  asked: ApplicationOptions,
  boundPort: number | undefined,
): string | undefined {
  const differences = SETTINGS.flatMap((member) => {
    const requested = textOf(asked[member]);
    const current = textOf(present[member]);
    if (requested === undefined || requested === current) return [];
    // Port 0 is any port.
    if (member === 'port' && (asked.port === 0 || asked.port === boundPort)) return [];
    if (member === 'source' && current !== undefined && canonical(current) === canonical(requested))
      return [];
    return [`${member} is ${current ?? 'not stated'}, asked was ${requested}`];
  });
  return differences.length === 0 ? undefined : differences.join('; ');
}

/**
 * The settings in which two options differ, `lingerMs` or `gateway.restPort`; without their values,
 * which may be secrets, such as the environment of a program.
 */
export function changedSettings(one: ApplicationOptions, other: ApplicationOptions): readonly string[] {
  return SETTINGS.flatMap((setting) => {
    const [left, right] = [comparable(setting, one), comparable(setting, other)];
    if (isDeepStrictEqual(left, right)) return [];
    if (!isStruct(left) || !isStruct(right)) return [setting];
    const members = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return members
      .filter((member) => !isDeepStrictEqual(left[member], right[member]))
      .map((member) => `${setting}.${member}`);
  });
}

/** Values that mean the same are equal: port 0 is any port, as without one. */
function comparable(setting: (typeof SETTINGS)[number], options: ApplicationOptions): unknown {
  const value = options[setting];
  if (setting === 'port') return value ?? 0;
  return setting === 'source' && options.source !== undefined ? canonical(options.source) : value;
}

/** A setting as text, to compare and to show it. */
function textOf(value: ApplicationOptions[keyof ApplicationOptions]): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function canonical(source: string): string {
  return formatAddress(parseAddress(source));
}

/**
 * Checks what the contract's schema does not: the address of the source, and what is recorded.
 * Throws BAD_ADDRESS and BAD_OPTION.
 */
export function checkSettings({ source, record }: ApplicationOptions): void {
  if (record !== undefined) checkRecordOptions(record);
  if (source !== undefined) parseAddress(source, { schemes: ['spectcl', 'tcp', 'tls', 'unix'] });
}
