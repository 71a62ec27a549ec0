/**
 * The part of the clean-up for logs: files of flows, applications and programs that no longer
 * exist. A log names no owner, so it is judged by its name and its age: the newest of them are kept
 * for a week, in case a failure is looked into. The clean-up calls it, and a running host server
 * every hour. Removes through `Sweep`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isName } from '../../base/names.js';
import { flowFilePath } from '../../base/paths.js';
import { Sweep, type Leftover } from './sweep.js';

export interface LogPlaces {
  readonly directory: string;
  readonly flowDirectory: string;
}

/** A log without its flow or application is kept for this long, */
const KEPT_MS = 7 * 86_400_000;
/** and of more than so many the oldest go when they are older than this. */
const KEPT_MAX = 64;
const KEPT_AT_LEAST_MS = 3_600_000;
/** `duplicator-APP@FLOW.log`, `app-server-APP.log`, and their rotated files. */
const LOG = /^(duplicator|program|app-server|gateway|recorder)-([^@]+?)(?:@([^@]+?))?\.log(?:\.1)?$/;

/** Removes the logs that nothing writes any more. Never throws. */
export function removeOldLogs(places: LogPlaces, nowMs: number): readonly Leftover[] {
  const sweep = new Sweep(false);
  sweepLogs(sweep, places, nowMs);
  return sweep.leftovers;
}

export function sweepLogs(sweep: Sweep, places: LogPlaces, nowMs: number): void {
  const folder = join(places.directory, 'logs');
  const gone = sweep
    .namesIn(folder)
    .filter((name) => isOfNothing(name, places))
    .map((name) => ({ path: join(folder, name), stats: sweep.own(join(folder, name)) }))
    .filter(({ stats }) => stats?.isFile() === true)
    .map(({ path, stats }) => ({ path, ageMs: nowMs - (stats?.mtimeMs ?? nowMs) }))
    .toSorted((one, other) => one.ageMs - other.ageMs);
  for (const [index, { path, ageMs }] of gone.entries()) {
    if (ageMs < (index < KEPT_MAX ? KEPT_MS : KEPT_AT_LEAST_MS)) continue;
    sweep.remove('log', path, `nothing has written it for ${Math.floor(ageMs / 3_600_000)} h`);
  }
}

/** Whether the flow or the application of a log does not exist any more. */
function isOfNothing(name: string, { directory, flowDirectory }: LogPlaces): boolean {
  const [, kind, app = '', instance] = LOG.exec(name) ?? [];
  if (kind === undefined || !isName(app)) return false;
  if (kind !== 'duplicator' || instance === undefined || !isName(instance))
    return !existsSync(join(directory, 'apps', `${app}.json`));
  return !existsSync(flowFilePath(flowDirectory, app, instance));
}
