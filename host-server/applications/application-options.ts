/**
 * Options of an application: what to start it with, how two of them differ, and as arguments of the
 * app server.
 */
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';

/** Option of the app server for each member but the name. */
const ARGUMENTS = [
  ['port', '--port'],
  ['source', '--source'],
  ['via', '--via'],
  ['updateIntervalMs', '--update-interval'],
  ['lingerMs', '--linger'],
  ['ringBytes', '--ring-bytes'],
  ['gateway', '--gateway'],
  ['stallTimeoutMs', '--stall-timeout'],
  ['programs', '--programs'],
  ['access', '--access'],
] as const satisfies readonly (readonly [keyof ApplicationOptions, string])[];

/**
 * What an application is started with: what was asked, upon its configuration when it has one. With
 * a name only, an application that is not configured gets what it ran with last.
 */
export function completeOptions(
  asked: ApplicationOptions,
  configured: ApplicationOptions | undefined,
  last: ApplicationOptions | undefined,
): ApplicationOptions {
  if (configured !== undefined) {
    // What a mirror comes from is one thing, said anew as a whole.
    const { source, via, ...rest } = configured;
    const from = asked.source === undefined && asked.via === undefined ? { source, via } : {};
    return { ...rest, ...stated(from), ...asked };
  }
  const nameOnly = ARGUMENTS.every(([member]) => asked[member] === undefined);
  return nameOnly && last !== undefined ? last : asked;
}

function stated<T extends object>(members: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

/** Names what was asked and is otherwise, with both; undefined when all that was asked is so. */
export function optionsDifference(
  present: ApplicationOptions,
  asked: ApplicationOptions,
  boundPort: number | undefined,
): string | undefined {
  const differences = ARGUMENTS.flatMap(([member]) => {
    const wanted = textOf(asked[member]);
    const is = textOf(present[member]);
    if (wanted === undefined || wanted === is) return [];
    // Port 0 is any port.
    if (member === 'port' && (asked.port === 0 || asked.port === boundPort)) return [];
    if (member === 'source' && is !== undefined && canonical(is) === canonical(wanted)) return [];
    return [`${member} is ${is ?? 'not stated'}, asked was ${wanted}`];
  });
  return differences.length === 0 ? undefined : differences.join('; ');
}

export function appServerArguments(options: ApplicationOptions): string[] {
  // A port is always said: the environment's is the host server's own.
  const stated: ApplicationOptions = { port: 0, ...options };
  const rest = ARGUMENTS.flatMap(([member, argument]) => {
    const value = textOf(stated[member]);
    return value === undefined ? [] : [argument, value];
  });
  return ['--name', options.name, ...rest];
}

/** An option as the command line has it. */
function textOf(value: ApplicationOptions[keyof ApplicationOptions]): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function canonical(source: string): string {
  return formatAddress(parseAddress(source));
}

/** Checks what the contract's schema does not: the address of the source. Throws BAD_ADDRESS. */
export function checkSource({ source }: ApplicationOptions): void {
  if (source !== undefined) parseAddress(source, { schemes: ['spectcl', 'tcp', 'tls', 'unix'] });
}
