/**
 * The position of a recording that is being played, from the variables of its SpecTcl. The web
 * server reads it, the page shows it. Pure.
 */
import type { Replay } from '../wire/recording.js';

/** Undefined for a SpecTcl that is not one of `mirrorflow play`. */
export function replayOf(variables: Readonly<Record<string, string>>): Replay | undefined {
  const state = ['playing', 'paused', 'ended'].find((known) => known === variables['ReplayState']);
  const [atMs, fromMs, toMs] = ['ReplayTime', 'ReplayFrom', 'ReplayTo'].map((name) =>
    Date.parse(variables[name] ?? ''),
  );
  const speed = Number(variables['ReplaySpeed']);
  if (state === undefined || !isTime(atMs) || !isTime(fromMs) || !isTime(toMs) || !(speed >= 0))
    return undefined;
  return { state: state as Replay['state'], atMs, fromMs, toMs, speed: Number.isFinite(speed) ? speed : 0 };
}

function isTime(ms: number | undefined): ms is number {
  return ms !== undefined && Number.isFinite(ms);
}
