/**
 * The state of the page in its address bar: the application, and every plot with its spectra,
 * visible part, scale and region, so that a link restores the page. `AddressBar` of the page
 * formats and parses it, `Board` and `Plot` use the plots. Pure.
 *
 *     #/demo?cols=2&p=ge.00.Co-60,ge.02.Cs-137;s=log;x=100-400&p=pid.de-vs-e;r=10
 *
 * A plot is its spectra, separated by commas, then its settings, separated by semicolons; settings
 * with their default are left out.
 */
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import type { ChannelRange } from '../wire/ranges.js';
import { RATE_WINDOWS_S, REGIONS_MAX, type RateWindow } from '../wire/subscription.js';
import { formatMoment, parseMoment } from './moment.js';
import { comparisonSettings, parseComparison, type Comparison } from './comparison.js';
import { DEFAULT_LOOK, lookSettings, parseLook, type PlotLook } from './plot-look.js';
import { parsePart, partSettings, type ProjectedPart } from './projected-part.js';
import { formatRegion, parseRange, parseRegion, rangeText, type PlotRegion } from './region-spec.js';

export interface PlotSpec {
  /** One spectrum, or several overlaid 1-D spectra. */
  readonly spectra: readonly string[];
  readonly scale: ScaleName | undefined;
  /** Axes in channels instead of units. */
  readonly channels: boolean;
  /** Visible part; undefined for the whole axis. */
  readonly x: ChannelRange | undefined;
  readonly y: ChannelRange | undefined;
  readonly rateS: RateWindow | undefined;
  readonly projection: 'x' | 'y' | undefined;
  /** The channels of the other axis that a projection sums. */
  readonly band: ChannelRange | undefined;
  /** The part of a map that a projection sums, where it is not a band. */
  readonly within: ProjectedPart | undefined;
  /** Only the counts since a moment that is remembered or recorded, milliseconds since 1970. */
  readonly sinceMs: number | undefined;
  readonly comparison: Comparison | undefined;
  readonly look: PlotLook;
  /** Regions with their figures; each has its own `g` in the address. */
  readonly regions: readonly PlotRegion[];
}

export interface PageAddress {
  readonly view: 'spectra' | 'network';
  readonly app: string | undefined;
  /** Plots side by side; 0 for as many as fit. */
  readonly columns: number;
  /** The moment of the recording that is shown, milliseconds since 1970; undefined for live. */
  readonly atMs: number | undefined;
  readonly plots: readonly PlotSpec[];
}

export const PLOTS_MAX = 16;
export const OVERLAYS_MAX = 8;
const COLUMNS_MAX = 6;

/** The plot of one spectrum with default settings. */
export function defaultPlot(spectrum: string): PlotSpec {
  return {
    spectra: [spectrum],
    scale: undefined,
    channels: false,
    x: undefined,
    y: undefined,
    rateS: undefined,
    projection: undefined,
    band: undefined,
    within: undefined,
    sinceMs: undefined,
    comparison: undefined,
    look: DEFAULT_LOOK,
    regions: [],
  };
}

export function formatAddress({ view, app, columns, atMs, plots }: PageAddress): string {
  const parts = [
    ...(atMs === undefined ? [] : [`at=${formatMoment(atMs)}`]),
    ...(columns > 0 ? [`cols=${columns}`] : []),
    ...plots.map((plot) => `p=${formatPlot(plot)}`),
  ];
  const query = parts.length === 0 ? '' : `?${parts.join('&')}`;
  const path = view === 'network' ? '/-/network' : `/${encodeURIComponent(app ?? '')}`;
  const shown = view === 'network' && app !== undefined ? `/${encodeURIComponent(app)}` : '';
  return `#${path}${shown}${query}`;
}

/** Ignores invalid parts; never throws. */
export function parseAddress(hash: string): PageAddress {
  const text = hash.replace(/^#/, '');
  const queryAt = text.indexOf('?');
  const path = (queryAt < 0 ? text : text.slice(0, queryAt)).split('/').map(decoded);
  const network = path[1] === '-' && path[2] === 'network';
  const app = (network ? path[3] : path[1]) || undefined;
  const address = {
    view: network ? 'network' : 'spectra',
    app,
    columns: 0,
    atMs: undefined,
    plots: [] as PlotSpec[],
  } as const;
  if (queryAt < 0) return address;
  let columns = 0;
  let atMs: number | undefined;
  const plots: PlotSpec[] = [];
  for (const part of text.slice(queryAt + 1).split('&')) {
    const [key, value] = splitAt(part, '=');
    if (key === 'cols' && /^[1-6]$/.test(value)) columns = Math.min(COLUMNS_MAX, Number(value));
    if (key === 'at') atMs = parseMoment(decoded(value));
    const plot = key === 'p' ? parsePlot(value) : undefined;
    if (plot !== undefined && plots.length < PLOTS_MAX) plots.push(plot);
  }
  return { ...address, columns, atMs, plots };
}

function formatPlot(plot: PlotSpec): string {
  const settings = [
    plot.scale === undefined ? '' : `s=${plot.scale}`,
    plot.channels ? 'u=channels' : '',
    plot.projection === undefined ? '' : `j=${plot.projection}`,
    plot.rateS === undefined ? '' : `r=${plot.rateS}`,
    plot.sinceMs === undefined ? '' : `d=${formatMoment(plot.sinceMs)}`,
    rangeSetting('b', plot.band),
    rangeSetting('x', plot.x),
    rangeSetting('y', plot.y),
    ...partSettings(plot.within),
    ...comparisonSettings(plot.comparison),
    ...lookSettings(plot.look),
    ...plot.regions.map((region) => `g=${formatRegion(region)}`),
  ].filter((setting) => setting !== '');
  // encodeURIComponent also escapes the separators of plots and settings.
  return [plot.spectra.map(encodeURIComponent).join(','), ...settings].join(';');
}

function rangeSetting(key: string, range: ChannelRange | undefined): string {
  return range === undefined ? '' : `${key}=${rangeText(range)}`;
}

function parsePlot(text: string): PlotSpec | undefined {
  const [names = '', ...settings] = text.split(';');
  const spectra = names
    .split(',')
    .map(decoded)
    .filter((name) => name !== '')
    .slice(0, OVERLAYS_MAX);
  const first = spectra[0];
  if (first === undefined) return undefined;
  const pairs = settings.map((setting) => splitAt(setting, '='));
  const values = new Map(pairs);
  const scale = values.get('s');
  const projection = values.get('j');
  const sinceMs = parseMoment(decoded(values.get('d') ?? ''));
  return {
    ...defaultPlot(first),
    spectra,
    scale: SCALE_NAMES.find((name) => name === scale),
    channels: values.get('u') === 'channels',
    projection: projection === 'x' || projection === 'y' ? projection : undefined,
    // Counts are of the last seconds or since a moment.
    rateS: sinceMs === undefined ? parseRate(values.get('r')) : undefined,
    sinceMs,
    band: parseRange(values.get('b')),
    x: parseRange(values.get('x')),
    y: parseRange(values.get('y')),
    within: projection === 'x' || projection === 'y' ? parsePart(values.get('k')) : undefined,
    comparison: parseComparison(values.get('m')),
    look: parseLook(values),
    regions: parseRegions(pairs, spectra.length),
  };
}

function parseRate(text: string | undefined): RateWindow | undefined {
  return RATE_WINDOWS_S.find((window) => String(window) === text);
}

/** Also the one region without a name that addresses of 0.1 had. */
function parseRegions(
  settings: readonly (readonly [key: string, value: string])[],
  spectra: number,
): readonly PlotRegion[] {
  const regions = settings.flatMap(([key, value]) => {
    const region = key === 'g' ? parseRegion(value) : undefined;
    return region === undefined || region.spectrum >= spectra ? [] : [region];
  });
  const values = new Map(settings);
  const x = parseRange(values.get('rx'));
  const y = parseRange(values.get('ry'));
  const former = x === undefined ? [] : [{ name: 'A', spectrum: 0, x, ...(y === undefined ? {} : { y }) }];
  return [...former, ...regions].slice(0, REGIONS_MAX);
}

/** The text before and after the first separator. */
function splitAt(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

/** Empty for an invalid escape sequence. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
