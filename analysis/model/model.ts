/**
 * A model of a part of a spectrum: peaks on a background, as expected counts of each channel with
 * the derivatives by its parameters. `fitSpectrum` creates it. Pure.
 */
import type { Channels } from '../channels.js';
import { addExponential, backgroundParameters, polynomialBasis, type BackgroundName } from './background.js';
import { emptyIntegral, integrateShape, type PeakIntegral, type PeakShape } from './peak-shape.js';

export const MODEL_NAMES = ['gauss', 'germanium', 'emg', 'none'] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

export interface ModelChoice {
  readonly model: ModelName;
  /** Number of peaks; 0 exactly for the model `none`. */
  readonly peaks: number;
  /** Whether all peaks have one width. */
  readonly commonWidth: boolean;
  readonly background: BackgroundName;
}

/** Parameters of the shape, which all peaks of a model share, by model. */
const SHAPE_PARAMETERS: Readonly<Record<ModelName, readonly ('tail' | 'tailLength' | 'step')[]>> = {
  gauss: [],
  germanium: ['tail', 'tailLength', 'step'],
  emg: ['tailLength'],
  none: [],
};

/** The name of a parameter of a peak: `area`, `area2`, `area3`, …. */
export function peakParameter(name: string, peak: number): string {
  return peak === 0 ? name : `${name}${peak + 1}`;
}

export class Model {
  readonly choice: ModelChoice;
  readonly names: readonly string[];
  readonly #channels: Channels;
  readonly #index: ReadonlyMap<string, number>;
  /** The rows of a polynomial background; empty for others. */
  readonly #basis: readonly Float64Array[];
  readonly #left: PeakIntegral = emptyIntegral();
  readonly #right: PeakIntegral = emptyIntegral();

  constructor(choice: ModelChoice, channels: Channels) {
    this.choice = choice;
    this.#channels = channels;
    const { model, peaks, commonWidth, background } = choice;
    const names: string[] = [];
    for (let peak = 0; peak < peaks; peak += 1) {
      names.push(peakParameter('area', peak), peakParameter('centroid', peak));
      if (peak === 0 || !commonWidth) names.push(peakParameter('sigma', peak));
    }
    if (peaks > 0) names.push(...SHAPE_PARAMETERS[model]);
    names.push(...backgroundParameters(background));
    this.names = names;
    this.#index = new Map(names.map((name, index) => [name, index]));
    const isPolynomial = background !== 'none' && background !== 'exponential';
    this.#basis = isPolynomial ? polynomialBasis(Number(background), channels.counts.length) : [];
  }

  /** The place of a parameter; -1 where the model has none of that name. */
  indexOf(name: string): number {
    return this.#index.get(name) ?? -1;
  }

  shapeOf(peak: number, values: Float64Array): PeakShape {
    const value = (name: string, absent: number): number => values[this.indexOf(name)] ?? absent;
    return {
      centroid: value(peakParameter('centroid', peak), 0),
      sigma: values[this.#sigmaIndex(peak)] ?? 1,
      tail: value('tail', this.choice.model === 'emg' ? 1 : 0),
      tailLength: value('tailLength', 0),
      step: value('step', 0),
    };
  }

  /** Writes the expected counts, and the derivatives: a row per parameter. */
  evaluate(values: Float64Array, expected: Float64Array, derivatives?: readonly Float64Array[]): void {
    expected.fill(0);
    if (derivatives !== undefined) for (const row of derivatives) row.fill(0);
    this.#addBackground(values, expected, derivatives);
    for (let peak = 0; peak < this.choice.peaks; peak += 1) {
      this.#addPeak(peak, values, expected, derivatives);
    }
  }

  #sigmaIndex(peak: number): number {
    return this.indexOf(this.choice.commonWidth ? 'sigma' : peakParameter('sigma', peak));
  }

  #addBackground(
    values: Float64Array,
    expected: Float64Array,
    derivatives: readonly Float64Array[] | undefined,
  ): void {
    const { background } = this.choice;
    if (background === 'none') return;
    if (background === 'exponential') {
      const at = this.indexOf('height');
      const rows =
        derivatives === undefined ? undefined : ([derivatives[at]!, derivatives[at + 1]!] as const);
      return addExponential(this.#channels, values[at]!, values[at + 1]!, expected, rows);
    }
    const first = this.indexOf('background0');
    this.#basis.forEach((row, index) => {
      const value = values[first + index]!;
      for (let channel = 0; channel < row.length; channel += 1) {
        expected[channel] = expected[channel]! + value * row[channel]!;
      }
      derivatives?.[first + index]?.set(row);
    });
  }

  #addPeak(
    peak: number,
    values: Float64Array,
    expected: Float64Array,
    derivatives: readonly Float64Array[] | undefined,
  ): void {
    const { low, width } = this.#channels;
    const shape = this.shapeOf(peak, values);
    const at = this.indexOf(peakParameter('area', peak));
    const area = values[at]!;
    const rows = derivatives === undefined ? undefined : this.#rowsOf(peak, derivatives);
    let [left, right] = [this.#left, this.#right];
    integrateShape(low, shape, left);
    for (let channel = 0; channel < expected.length; channel += 1) {
      integrateShape(low + (channel + 1) * width, shape, right);
      expected[channel] = expected[channel]! + area * (right.value - left.value);
      if (rows !== undefined) {
        derivatives![at]![channel] = right.value - left.value;
        for (const { row, member } of rows) {
          row[channel] = row[channel]! + area * (right[member] - left[member]);
        }
      }
      [left, right] = [right, left];
    }
  }

  /** The rows that a peak adds to, besides that of its area. */
  #rowsOf(
    peak: number,
    derivatives: readonly Float64Array[],
  ): { readonly row: Float64Array; readonly member: keyof PeakShape }[] {
    const members: { row: Float64Array; member: keyof PeakShape }[] = [
      { row: derivatives[this.indexOf(peakParameter('centroid', peak))]!, member: 'centroid' },
      { row: derivatives[this.#sigmaIndex(peak)]!, member: 'sigma' },
    ];
    for (const member of SHAPE_PARAMETERS[this.choice.model]) {
      members.push({ row: derivatives[this.indexOf(member)]!, member });
    }
    return members;
  }
}
