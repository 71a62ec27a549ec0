/**
 * Formats and parses the text of `<dateTime.iso8601>` for the XML-RPC codec. XML-RPC leaves the
 * time zone open; mirrorflow uses UTC. A fraction of a second is written only if it is not zero;
 * callers of other libraries get whole seconds (foreign-callers.ts). Pure.
 */
const DATE_TIME = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/** `20261120T09:45:24`; undefined for an invalid date or a year outside 0 to 9999. */
export function formatDateTime(date: Date): string | undefined {
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  if (iso.length !== 24) return undefined;
  const fraction = iso.slice(20, 23);
  return `${iso.slice(0, 19).replaceAll('-', '')}${fraction === '000' ? '' : `.${fraction}`}`;
}

/**
 * Accepts texts with and without hyphens, fraction and zone; without a zone the text is UTC.
 * Undefined for any other text.
 */
export function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const localTime = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const date = new Date(`${localTime}Z`);
  // Date accepts a day that the month does not have and takes a day of the next month.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 23) !== localTime) return undefined;
  if (zone === 'Z') return date;
  const sign = zone.startsWith('-') ? -1 : 1;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0');
  return new Date(date.getTime() - sign * offsetMinutes * 60_000);
}
