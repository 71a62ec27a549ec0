/**
 * A spectrum as lists and frames describe it, without its counts, and the calibration of its axis.
 * `messages.ts` and `frame.ts` carry them; the server makes them, plots read them. Types.
 */

/** The description of a spectrum, without its counts. */
export interface SpectrumInfo {
  readonly name: string;
  /** `1D long`, `2D word`, … */
  readonly type: string;
  readonly dimensions: 1 | 2;
  /** Stored channels; `ychans` is 1 for 1-D. */
  readonly xchans: number;
  readonly ychans: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly xlabel: string;
  readonly ylabel: string;
  /** Whether the first and last stored channel of the axis count under- and overflow. */
  readonly xoutside: boolean;
  readonly youtside: boolean;
  /** Parameters of the axes, and the gate applied to the spectrum, from the REST service. */
  readonly parameters?: readonly string[];
  readonly gate?: string;
}

/** The energy of a place x on an axis: the sum of coefficients[n]·xⁿ. */
export interface AxisCalibration {
  readonly coefficients: readonly number[];
  readonly unit: string;
}
