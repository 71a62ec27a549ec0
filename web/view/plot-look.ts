/**
 * How the counts of one plot are drawn, beside its scale: palette of a map, limits of the counts by
 * hand, a threshold, a logarithmic x axis; and their words in the address of the page.
 * `plot-spec.ts` formats and parses it, plots draw by it. Pure.
 */
import { PALETTE_NAMES, type PaletteName } from '../../plotting/palettes.js';

export interface PlotLook {
  readonly palette: PaletteName;
  /** Ends of the axis of counts, of the colours of a map; undefined for those of the counts. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Channels with fewer counts are drawn as channels without. */
  readonly threshold: number | undefined;
  /** Histograms only. */
  readonly logX: boolean;
}

export const DEFAULT_LOOK: PlotLook = {
  palette: 'viridis',
  low: undefined,
  high: undefined,
  threshold: undefined,
  logX: false,
};

/** The settings of an address, without those with their default. */
export function lookSettings({ palette, low, high, threshold, logX }: PlotLook): string[] {
  return [
    ...(palette === DEFAULT_LOOK.palette ? [] : [`c=${palette}`]),
    ...(low === undefined && high === undefined ? [] : [`l=${low ?? ''}~${high ?? ''}`]),
    ...(threshold === undefined ? [] : [`t=${threshold}`]),
    ...(logX ? ['e=log'] : []),
  ];
}

/** Invalid settings have their default. */
export function parseLook(values: ReadonlyMap<string, string>): PlotLook {
  const [low = '', high = ''] = (values.get('l') ?? '').split('~');
  const palette = values.get('c');
  return {
    palette: PALETTE_NAMES.find((name) => name === palette) ?? DEFAULT_LOOK.palette,
    ...limitsOf(parseNumber(low), parseNumber(high)),
    threshold: parseNumber(values.get('t')),
    logX: values.get('e') === 'log',
  };
}

/** Both limits as they are usable: a low that is not below the high is left out. */
export function limitsOf(
  low: number | undefined,
  high: number | undefined,
): { low: number | undefined; high: number | undefined } {
  return { low: low !== undefined && high !== undefined && low >= high ? undefined : low, high };
}

/** A number as a person or an address writes it; undefined for anything else, also for nothing. */
export function parseNumber(text: string | undefined): number | undefined {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  // -0 would be written as 0.
  return Number.isFinite(value) ? value + 0 : undefined;
}
