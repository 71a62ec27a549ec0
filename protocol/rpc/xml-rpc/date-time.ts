/**
 * The text of `<dateTime.iso8601>`. XML-RPC leaves the time zone open; here it is UTC, and a
 * fraction is written only when there is one, because Python's `use_builtin_types` takes whole
 * seconds without a zone and nothing else.
 */
const DATE_TIME = /^(\d{4})-?(\d\d)-?(\d\d)T(\d\d):?(\d\d):?(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * `20261120T09:45:24`, or undefined for a date that has no such text (invalid, or not of the years
 * 0 to 9999).
 */
export function formatDateTime(date: Date): string | undefined {
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  if (iso.length !== 24) return undefined;
  const fraction = iso.slice(20, 23);
  return `${iso.slice(0, 19).replaceAll('-', '')}${fraction === '000' ? '' : `.${fraction}`}`;
}

/**
 * The date of a text, with or without hyphens, fraction and zone; UTC without a zone. Undefined
 * when it is none.
 */
export function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = match;
  const wall = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const date = new Date(`${wall}Z`);
  // A day that the month does not have would silently become one of the next month.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 23) !== wall) return undefined;
  if (zone === 'Z') return date;
  const sign = zone.startsWith('-') ? -1 : 1;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', '') || '0');
  return new Date(date.getTime() - sign * offsetMinutes * 60_000);
}
