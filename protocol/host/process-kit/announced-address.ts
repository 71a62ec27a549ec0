/**
 * The first line of a child that serves something: one object of JSON with the `address` it is
 * reached at.
 */

/** Undefined for any other line. */
export function announcedAddress(line: string): string | undefined {
  try {
    const ready: unknown = JSON.parse(line);
    if (typeof ready !== 'object' || ready === null || !('address' in ready)) return undefined;
    return typeof ready.address === 'string' ? ready.address : undefined;
  } catch {
    return undefined;
  }
}
