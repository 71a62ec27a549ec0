/**
 * What the address bar says: the application, and every plot with its spectra, part, scale and
 * region, so that a link brings back the page. Pure.
 *
 *     #/demo?cols=2&p=ge.00.Co-60,ge.02.Cs-137;s=log;x=100-400&p=pid.de-vs-e;r=10
 *
 * A plot is its spectra, separated by commas, then its wishes, separated by semicolons; what is
 * left out has its default.
 */
import { RATE_WINDOWS_S, type ChannelRange, type RateWindow, type Region } from '../wire/messages.js';
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';

export interface PlotSpec {
  /** One, or several 1-D spectra over one another. */
  readonly spectra: readonly string[];
  readonly scale: ScaleName | undefined;
  /** Axes in channels instead of the units of the map. */
  readonly channels: boolean;
  readonly x: ChannelRange | undefined;
  readonly y: ChannelRange | undefined;
  readonly rateS: RateWindow | undefined;
  readonly projection: 'x' | 'y' | undefined;
  readonly band: ChannelRange | undefined;
  readonly region: Region | undefined;
}

export interface PageAddress {
  readonly view: 'spectra' | 'network';
  readonly app: string | undefined;
  /** Plots beside each other; 0: as many as fit. */
  readonly columns: number;
  readonly plots: readonly PlotSpec[];
}

export const PLOTS_MAX = 16;
export const OVERLAYS_MAX = 8;
const COLUMNS_MAX = 6;

export function plotOf(spectrum: string): PlotSpec {
  return {
    spectra: [spectrum],
    scale: undefined,
    channels: false,
    x: undefined,
    y: undefined,
    rateS: undefined,
    projection: undefined,
    band: undefined,
    region: undefined,
  };
}

export function formatAddress({ view, app, columns, plots }: PageAddress): string {
  const parts = [
    ...(columns > 0 ? [`cols=${columns}`] : []),
    ...plots.map((plot) => `p=${formatPlot(plot)}`),
  ];
  const query = parts.length === 0 ? '' : `?${parts.join('&')}`;
  const path = view === 'network' ? '/-/network' : `/${encodeURIComponent(app ?? '')}`;
  const shown = view === 'network' && app !== undefined ? `/${encodeURIComponent(app)}` : '';
  return `#${path}${shown}${query}`;
}

/** Whatever stands there: what makes no sense is left out. */
export function parseAddress(hash: string): PageAddress {
  const text = hash.replace(/^#/, '');
  const mark = text.indexOf('?');
  const path = (mark < 0 ? text : text.slice(0, mark)).split('/').map(decoded);
  const network = path[1] === '-' && path[2] === 'network';
  const app = (network ? path[3] : path[1]) || undefined;
  const address = {
    view: network ? 'network' : 'spectra',
    app,
    columns: 0,
    plots: [] as PlotSpec[],
  } as const;
  if (mark < 0) return address;
  let columns = 0;
  const plots: PlotSpec[] = [];
  for (const part of text.slice(mark + 1).split('&')) {
    const [key, value] = halves(part, '=');
    if (key === 'cols' && /^[1-6]$/.test(value)) columns = Math.min(COLUMNS_MAX, Number(value));
    const plot = key === 'p' ? parsePlot(value) : undefined;
    if (plot !== undefined && plots.length < PLOTS_MAX) plots.push(plot);
  }
  return { ...address, columns, plots };
}

function formatPlot(plot: PlotSpec): string {
  const wishes = [
    plot.scale === undefined ? '' : `s=${plot.scale}`,
    plot.channels ? 'u=channels' : '',
    plot.projection === undefined ? '' : `j=${plot.projection}`,
    plot.rateS === undefined ? '' : `r=${plot.rateS}`,
    rangeText('b', plot.band),
    rangeText('x', plot.x),
    rangeText('y', plot.y),
    rangeText('rx', plot.region?.x),
    rangeText('ry', plot.region?.y),
  ].filter((wish) => wish !== '');
  return [plot.spectra.map(escaped).join(','), ...wishes].join(';');
}

/**
 * encodeURIComponent, which takes the separators with it; the few more it leaves alone read well in
 * names.
 */
function escaped(name: string): string {
  return encodeURIComponent(name);
}

function rangeText(key: string, range: ChannelRange | undefined): string {
  return range === undefined ? '' : `${key}=${range[0]}-${range[1]}`;
}

function parsePlot(text: string): PlotSpec | undefined {
  const [names = '', ...wishes] = text.split(';');
  const spectra = names
    .split(',')
    .map(decoded)
    .filter((name) => name !== '')
    .slice(0, OVERLAYS_MAX);
  const first = spectra[0];
  if (first === undefined) return undefined;
  const given = new Map(wishes.map((wish) => halves(wish, '=')));
  const regionX = rangeOf(given.get('rx'));
  const regionY = rangeOf(given.get('ry'));
  const scale = given.get('s');
  const projection = given.get('j');
  return {
    ...plotOf(first),
    spectra,
    scale: SCALE_NAMES.find((name) => name === scale),
    channels: given.get('u') === 'channels',
    projection: projection === 'x' || projection === 'y' ? projection : undefined,
    rateS: RATE_WINDOWS_S.find((window) => String(window) === given.get('r')),
    band: rangeOf(given.get('b')),
    x: rangeOf(given.get('x')),
    y: rangeOf(given.get('y')),
    region: regionX === undefined ? undefined : { x: regionX, y: regionY },
  };
}

function rangeOf(text: string | undefined): ChannelRange | undefined {
  const match = /^(\d{1,9})-(\d{1,9})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return from < to ? [from, to] : undefined;
}

function halves(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
