/**
 * Checks names of applications, flows, clients, programs and hosts, and flow types. Names become
 * parts of paths, so every name is checked where it enters: by options, configuration, XML-RPC
 * schemas and path builders. Pure: throws, or returns the name.
 */
import { MirrorflowError } from './errors.js';
import { LIMITS } from './limits.js';

/** Pattern of names; their length is limited besides. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]*$';
const NAME = new RegExp(NAME_PATTERN);

export type NameKind = 'application' | 'flow' | 'client' | 'program' | 'host';

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LIMITS.nameCharacters && NAME.test(value);
}

/** Returns the name unchanged; throws BAD_NAME with the rule for names. */
export function checkName(kind: NameKind, value: unknown): string {
  if (isName(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value;
  throw new MirrorflowError(
    'BAD_NAME',
    `${shown} is not a name of a ${kind}: 1 to ${LIMITS.nameCharacters} letters, digits, ".", "_" or "-", beginning with a letter or digit`,
    { kind },
  );
}

const FLOW_TYPE = /^[A-Za-z0-9][A-Za-z0-9._:+/-]*$/;

/**
 * Returns a flow type unchanged; throws BAD_OPTION. A flow type is a name, or the names of several
 * layers joined by "/".
 */
export function checkFlowType(value: string): string {
  if (value.length <= LIMITS.nameCharacters && FLOW_TYPE.test(value)) return value;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${JSON.stringify(value.slice(0, 80))} is not a flow type: 1 to ${LIMITS.nameCharacters} letters, digits and "._:+/-", beginning with a letter or digit`,
    { type: value.slice(0, 80) },
  );
}
