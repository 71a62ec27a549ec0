/**
 * One view of one spectrum as a frame, made once for each change and shared by every page that asks
 * for the same.
 */
import { encodeFrameBody, type FrameHead, type RegionStatistics, type Values } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo, Subscription } from '../wire/messages.js';
import {
  clampRange,
  difference,
  inside,
  project,
  reduce,
  regionStatistics,
  sumOf,
  valueType,
  type Grid,
} from './derive.js';
import type { CachedSpectrum } from './spectrum-cache.js';

export interface FrameContext {
  readonly nowMs: number;
  readonly historyTick: number;
  readonly atMs: number;
  readonly sequence: number;
}

/** Views of one spectrum whose last frame is kept for others. */
const FRAMES_KEPT = 64;

/** Two equal texts are the same picture. Empty while there is no such spectrum. */
export function frameVersion(held: CachedSpectrum, { rateS }: Subscription, historyTick: number): string {
  if (held.binding === undefined) return '';
  return rateS === undefined ? String(held.version) : `${held.version}/${historyTick}`;
}

/** What a view asks for, without who asks. */
export function frameKey({ id: _id, minIntervalMs: _interval, ...what }: Subscription): string {
  return JSON.stringify(what);
}

/** The frame, or undefined while there is no such spectrum. */
export function frameBody(
  held: CachedSpectrum,
  key: string,
  wanted: Subscription,
  info: SpectrumInfo,
  moment: FrameContext,
): Uint8Array | undefined {
  if (held.binding === undefined) return undefined;
  // Bins and gates come by another way than counts, and make another picture too.
  const version = `${frameVersion(held, wanted, moment.historyTick)} ${JSON.stringify(info)}`;
  const known = held.frames.get(key);
  if (known?.version === version) return known.body;
  const body = makeFrame(held, wanted, info, moment);
  if (held.frames.size >= FRAMES_KEPT) held.frames.clear();
  held.frames.set(key, { version, body });
  return body;
}

function makeFrame(
  held: CachedSpectrum,
  wanted: Subscription,
  info: SpectrumInfo,
  moment: FrameContext,
): Uint8Array {
  const stored: Grid = { values: held.counts, xchans: info.xchans, ychans: info.ychans };
  const { grid: counted, spanS } = rateOf(held, stored, wanted, moment.nowMs);
  const sum = sumOf(counted.values);
  const { grid, outside, dimensions } = viewed(counted, info, wanted);
  const x = clampRange(wanted.x ?? inside(grid.xchans, outside[0]), grid.xchans);
  const y: ChannelRange =
    dimensions === 1 ? [0, 1] : clampRange(wanted.y ?? inside(grid.ychans, outside[1]), grid.ychans);
  const reduced = reduce(grid, x, y, wanted);
  const region = regionOf(grid, wanted, outside);
  const head: FrameHead = {
    values: valueType(reduced.values),
    info,
    dimensions,
    x,
    xgroup: reduced.xgroup,
    y,
    ygroup: reduced.ygroup,
    columns: reduced.columns,
    rows: reduced.rows,
    max: reduced.max,
    sum,
    overflows: held.binding?.overflows ?? [],
    underflows: held.binding?.underflows ?? [],
    atMs: moment.atMs,
    sequence: moment.sequence,
    ...(region === undefined ? {} : { region }),
    ...(wanted.rateS === undefined ? {} : { rateS: wanted.rateS, spanS }),
  };
  return encodeFrameBody(head, reduced.values);
}

function rateOf(
  held: CachedSpectrum,
  grid: Grid,
  { rateS }: Subscription,
  nowMs: number,
): { grid: Grid; spanS: number } {
  if (rateS === undefined) return { grid, spanS: 0 };
  const before = held.history.sampleBefore(rateS, nowMs);
  const known = before !== undefined && before.values.length === grid.values.length;
  const values: Values = known ? difference(grid.values, before.values) : new Uint8Array(grid.values.length);
  return { grid: { ...grid, values }, spanS: known ? (nowMs - before.atMs) / 1_000 : 0 };
}

/** The spectrum itself, or its projection as a spectrum of one dimension. */
function viewed(
  grid: Grid,
  info: SpectrumInfo,
  { projection, band }: Subscription,
): { grid: Grid; outside: readonly [boolean, boolean]; dimensions: 1 | 2 } {
  if (projection === undefined || info.dimensions === 1) {
    return { grid, outside: [info.xoutside, info.youtside], dimensions: info.dimensions };
  }
  const alongX = projection === 'x';
  const other = alongX ? inside(info.ychans, info.youtside) : inside(info.xchans, info.xoutside);
  const values = project(
    grid,
    projection,
    band === undefined ? other : clampRange(band, alongX ? info.ychans : info.xchans),
  );
  return {
    grid: { values, xchans: values.length, ychans: 1 },
    outside: [alongX ? info.xoutside : info.youtside, false],
    dimensions: 1,
  };
}

function regionOf(
  grid: Grid,
  { region }: Subscription,
  outside: readonly [boolean, boolean],
): RegionStatistics | undefined {
  if (region === undefined) return undefined;
  const x = clampRange(region.x, grid.xchans);
  const y: ChannelRange =
    grid.ychans === 1 ? [0, 1] : clampRange(region.y ?? inside(grid.ychans, outside[1]), grid.ychans);
  return regionStatistics(grid, x, y);
}
