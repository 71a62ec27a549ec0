/**
 * What answers over HTTP look like to callers of other XML-RPC libraries: dates in whole seconds,
 * which every library parses (Python's `use_builtin_types` nothing else), each with its exact time
 * beside it as a number, and faults whose text begins with the name of the code. Callers that send
 * the header of `fault.ts` get dates with fractions and facts instead. Used by the HTTP server and
 * `system.multicall`. Pure.
 */
import type { MirrorflowError } from '../../base/errors.js';
import { parseDateTime } from './date-time.js';
import { EncodedValue } from './encoding.js';

/** A date member as `encodeValue` writes it. Texts have no `<` that could begin one. */
const DATE_MEMBER =
  /<member><name>([^<]*)<\/name><value><dateTime\.iso8601>([^<]*)<\/dateTime\.iso8601><\/value><\/member>/g;
const DATE_FRACTION = /(<dateTime\.iso8601>[^<.]*)\.\d+(?=<\/dateTime\.iso8601>)/g;

/**
 * The value with dates in whole seconds; a member `since` is followed by `sinceMs`, milliseconds
 * since 1970.
 */
export function inWholeSeconds({ xml }: EncodedValue): EncodedValue {
  if (!xml.includes('<dateTime.iso8601>')) return new EncodedValue(xml);
  const withNumbers = xml.replaceAll(DATE_MEMBER, (member, name: string, text: string) => {
    const ms = parseDateTime(text)?.getTime() ?? 0;
    return `${member}<member><name>${name}Ms</name><value><double>${ms}</double></value></member>`;
  });
  return new EncodedValue(withNumbers.replaceAll(DATE_FRACTION, '$1'));
}

/** The text of a fault: `UNKNOWN_FLOW: there is no flow …`. */
export function namedMessage({ code, message }: MirrorflowError): string {
  return `${code}: ${message}`;
}
