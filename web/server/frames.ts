/**
 * Encodes one view of one cached spectrum as a binary frame (`wire/frame.ts`): difference for
 * rates, projection, visible part, reduction to the requested size, region statistics. A frame is
 * encoded once per change and shared by every page session that requests the same view. Pure but
 * for the frames it keeps in the cached spectrum.
 */
import { inRangeChannels } from '../view/axis.js';
import type { FrameHead, Values } from '../wire/frame.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { RateWindow, Subscription } from '../wire/subscription.js';
import type { FrameContent } from '../wire/packed-frame.js';
import { clampRange, difference, project, reduce, sumOf, valueType, type Grid } from './derive.js';
import { EncodedFrame } from './encoded-frame.js';
import { gateAnswers } from './gate-answers.js';
import { outsideCounts } from './outside-counts.js';
import { projectWithin } from './project-within.js';
import { regionAnswers, type EarlierGrid } from './region-answers.js';
import type { CachedSpectrum } from './spectrum-cache.js';

export interface FrameContext {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  readonly historyVersion: number;
  /** Time of the publication, milliseconds since 1970, and its sequence. */
  readonly atMs: number;
  readonly sequence: number;
  /** Counts of a recorded moment, which are subtracted; undefined where the view needs none. */
  readonly earlier?: EarlierCounts | undefined;
  /** Counts of the spectrum that a page has asked to remember; undefined without them. */
  readonly rememberedAt: (atMs: number) => Values | undefined;
  /** All gates of the source, and a number that changes with them. */
  readonly gates: readonly GateShape[];
  readonly gatesRevision: number;
}

export interface EarlierCounts {
  readonly spectrum: CachedSpectrum;
  /** Time of their publication, milliseconds since 1970. */
  readonly atMs: number;
}

/** Counts to send, with the axes that have under- and overflow as first and last channel. */
interface ViewedCounts {
  readonly grid: Grid;
  readonly outside: { readonly x: boolean; readonly y: boolean };
  readonly dimensions: 1 | 2;
}

/** Views of one spectrum whose last frame is kept for other pages. */
const FRAMES_KEPT = 64;
/** The window of the rates of regions and gates. */
const REGION_RATE_S = 10;

/** Equal versions of a view are the same picture. Empty while the spectrum does not exist. */
export function frameVersion(
  { binding, version }: CachedSpectrum,
  { rateS, regions, gates }: Subscription,
  historyVersion: number,
): string {
  if (binding === undefined) return '';
  const hasRate = rateS !== undefined || regions !== undefined || gates === true;
  return hasRate ? `${version}/${historyVersion}` : String(version);
}

/** Equal keys request the same frame, whichever page and however often. */
export function frameKey({ id: _id, minIntervalMs: _interval, ...view }: Subscription): string {
  return JSON.stringify(view);
}

/** The frame for all pages with this view; undefined while the spectrum does not exist. */
export function sharedFrame(
  spectrum: CachedSpectrum,
  key: string,
  subscription: Subscription,
  info: SpectrumInfo,
  context: FrameContext,
): EncodedFrame | undefined {
  if (spectrum.binding === undefined) return undefined;
  // Bins and gate of `info` come from REST, not with the counts, and change the picture too.
  const gates = subscription.gates === true ? context.gatesRevision : '';
  const earlier = context.earlier?.spectrum.version ?? '';
  const counts = frameVersion(spectrum, subscription, context.historyVersion);
  const version = `${counts} ${earlier} ${gates} ${JSON.stringify(info)}`;
  const kept = spectrum.frames.get(key);
  if (kept?.version === version) return kept;
  const { head, values } = frameContent(spectrum, subscription, info, context);
  const frame = new EncodedFrame(key, version, head, values);
  if (spectrum.frames.size >= FRAMES_KEPT) spectrum.frames.clear();
  spectrum.frames.set(key, frame);
  return frame;
}

function frameContent(
  spectrum: CachedSpectrum,
  subscription: Subscription,
  info: SpectrumInfo,
  context: FrameContext,
): FrameContent {
  const stored: Grid = { values: spectrum.counts, xchans: info.xchans, ychans: info.ychans };
  const since = sinceMoment(stored, subscription, context);
  const { grid: counted, spanS } =
    since === undefined ? countsInWindow(spectrum, stored, subscription, context) : since;
  const viewed = projected(counted, info, subscription);
  const { grid, outside, dimensions } = viewed;
  const x = clampRange(subscription.x ?? inRangeChannels(grid.xchans, outside.x), grid.xchans);
  const y: ChannelRange =
    dimensions === 1
      ? [0, 1]
      : clampRange(subscription.y ?? inRangeChannels(grid.ychans, outside.y), grid.ychans);
  const reduced = reduce(grid, x, y, subscription);
  const earlier = earlierGrid(spectrum, stored, info, subscription, context);
  const regions =
    subscription.regions === undefined
      ? undefined
      : regionAnswers(grid, subscription.regions, outside.y, earlier);
  const gates =
    subscription.gates === true
      ? gateAnswers(grid, info, subscription.projection, context.gates, earlier)
      : undefined;
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
    sum: sumOf(counted.values),
    ...(spectrum.binding === undefined
      ? { overflows: [], underflows: [] }
      : outsideCounts(stored, info, spectrum.binding)),
    atMs: context.atMs,
    sequence: context.sequence,
    ...(since === undefined ? {} : { since: { atMs: subscription.sinceMs ?? 0, known: since.known } }),
    ...(regions === undefined ? {} : { regions }),
    ...(gates === undefined ? {} : { gates }),
    ...(subscription.rateS === undefined || since !== undefined ? {} : { rateS: subscription.rateS, spanS }),
    ...(subscription.atMs === undefined ? {} : { momentMs: subscription.atMs }),
  };
  return { head, values: reduced.values };
}

/**
 * The counts since a remembered or recorded moment, none without it; undefined where all are asked
 * for.
 */
function sinceMoment(
  grid: Grid,
  { sinceMs }: Subscription,
  { earlier: recorded, rememberedAt }: FrameContext,
): { grid: Grid; spanS: number; known: boolean } | undefined {
  if (sinceMs === undefined) return undefined;
  const earlier = recorded?.spectrum.counts ?? rememberedAt(sinceMs);
  // With other axes the counts cannot be compared.
  const known = earlier !== undefined && earlier.length === grid.values.length;
  const values = known ? difference(grid.values, earlier) : new Uint8Array(grid.values.length);
  return { grid: { ...grid, values }, spanS: 0, known };
}

/**
 * All counts, or for a rate those of the last `rateS` seconds and the span really covered; of a
 * recorded moment those since the recorded moment before it.
 */
function countsInWindow(
  spectrum: CachedSpectrum,
  grid: Grid,
  { rateS }: Subscription,
  context: FrameContext,
): { grid: Grid; spanS: number } {
  if (context.earlier !== undefined) {
    const { spectrum: before, atMs } = context.earlier;
    const isComparable = before.counts.length === grid.values.length;
    const values = isComparable ? difference(grid.values, before.counts) : grid.values;
    return { grid: { ...grid, values }, spanS: Math.max(0, context.atMs - atMs) / 1_000 };
  }
  if (rateS === undefined) return { grid, spanS: 0 };
  const earlier = earlierCounts(spectrum, grid, rateS, context);
  if (earlier === undefined) {
    const none: Values = new Uint8Array(grid.values.length);
    return { grid: { ...grid, values: none }, spanS: 0 };
  }
  const values = difference(grid.values, earlier.grid.values);
  return { grid: { ...grid, values }, spanS: earlier.spanS };
}

/**
 * The counts of about `windowS` seconds ago, and the seconds between both publications: what came
 * in did so between them, whenever they were read.
 */
function earlierCounts(
  { history }: CachedSpectrum,
  grid: Grid,
  windowS: RateWindow,
  { nowMs, atMs }: FrameContext,
): EarlierGrid | undefined {
  const sample = history.sampleBefore(windowS, nowMs);
  if (sample === undefined || sample.values.length !== grid.values.length) return undefined;
  const publishedMs = atMs - sample.publishedMs;
  // Without a publication since then nothing came in during all the time.
  const spanMs = publishedMs > 0 ? publishedMs : nowMs - sample.atMs;
  return { grid: { ...grid, values: sample.values }, spanS: spanMs / 1_000 };
}

/** What regions compare with for their rates; undefined where the view itself is a rate. */
function earlierGrid(
  spectrum: CachedSpectrum,
  grid: Grid,
  info: SpectrumInfo,
  subscription: Subscription,
  context: FrameContext,
): EarlierGrid | undefined {
  const { regions, gates, rateS, sinceMs } = subscription;
  const asked = regions !== undefined || gates === true;
  if (!asked || rateS !== undefined || sinceMs !== undefined) return undefined;
  const earlier = earlierCounts(spectrum, grid, REGION_RATE_S, context);
  if (earlier === undefined) return undefined;
  return { grid: projected(earlier.grid, info, subscription).grid, spanS: earlier.spanS };
}

/** The spectrum itself, or its projection as a spectrum of one dimension. */
function projected(grid: Grid, info: SpectrumInfo, { projection, band, within }: Subscription): ViewedCounts {
  const { xchans, ychans, xoutside, youtside } = info;
  if (projection === undefined || info.dimensions === 1) {
    return { grid, outside: { x: xoutside, y: youtside }, dimensions: info.dimensions };
  }
  const ontoX = projection === 'x';
  const inRange = { x: inRangeChannels(xchans, xoutside), y: inRangeChannels(ychans, youtside) };
  const summed = band === undefined ? inRange[ontoX ? 'y' : 'x'] : clampRange(band, ontoX ? ychans : xchans);
  const values =
    within === undefined
      ? project(grid, projection, summed)
      : projectWithin(grid, projection, within, inRange);
  return {
    grid: { values, xchans: values.length, ychans: 1 },
    outside: { x: ontoX ? xoutside : youtside, y: false },
    dimensions: 1,
  };
}
