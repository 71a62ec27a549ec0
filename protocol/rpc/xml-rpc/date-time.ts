/**
 * Formats and parses the text of `<dateTime.iso8601>` for the XML-RPC codec. XML-RPC leaves the
 * time zone open; mirrorflow uses UTC. A fraction of a second is written only if it is not zero;
 * callers of other libraries get whole seconds (foreign-callers.ts). Pure.
 */
const DATE_TIME = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?$/;

const YEAR_FIRST_MS = Date.parse('0000-01-01T00:00:00Z');
const YEAR_END_MS = Date.parse('+010000-01-01T00:00:00Z');

/** `20261120T09:45:24`; undefined for an invalid date or a year outside 0 to 9999. */
export function formatDateTime(date: Date): string | undefined {
  const ms = date.getTime();
  if (!(ms >= YEAR_FIRST_MS && ms < YEAR_END_MS)) return undefined;
  const iso = date.toISOString();
  const wholeSeconds = `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 19)}`;
  return ms % 1_000 === 0 ? wholeSeconds : `${wholeSeconds}${iso.slice(19, 23)}`;
}

/**
 * Accepts texts with and without hyphens, fraction and zone; without a zone the text is UTC.
 * Undefined for any other text.
 */
export function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0')));
  // Date accepts a day that the month does not have, hour 24 and the like, and takes a later time.
  const isExact =
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    date.getUTCHours() === Number(hour) &&
    date.getUTCMinutes() === Number(minute) &&
    date.getUTCSeconds() === Number(second);
  if (!isExact) return undefined;
  if (zone === 'Z') return date;
  const sign = zone.startsWith('-') ? -1 : 1;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0');
  return new Date(date.getTime() - sign * offsetMinutes * 60_000);
}
