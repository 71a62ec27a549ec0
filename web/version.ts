/** The version of the installed package, for people; what processes compare is PROTOCOL_VERSION. */
import { readFileSync } from 'node:fs';

const PACKAGE = new URL('../../package.json', import.meta.url);

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version?: unknown };
  return typeof version === 'string' ? version : 'unknown';
}
