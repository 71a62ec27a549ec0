/**
 * A fit of a region as a line of text below the plot, and as text, CSV or JSON to copy. Used by the
 * region table of the page. Pure.
 */
import type { FitResult, FittedParameter } from '../../analysis/fit/fit-spectrum.js';
import { formatMeasured } from '../../plotting/measured.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import { calibratedPlace, slopeAt } from './region-cells.js';

/** What was fitted: the region, its spectrum, and the axis. */
export interface FittedRegion {
  readonly region: string;
  readonly spectrum: string;
  readonly unit: string;
  readonly calibration: AxisCalibration | undefined;
  /** Milliseconds since 1970 of the publication. */
  readonly atMs: number;
}

/** One line per peak, then that of the fit itself. */
export function fitLines(fit: FitResult, { unit, calibration }: FittedRegion): string[] {
  const peaks = fit.peaks.map((peak, index) => {
    const name = fit.peaks.length > 1 ? `Peak ${index + 1}: ` : '';
    const parts = [
      `${name}centroid ${measured(peak.centroid, unit)}${calibrated(peak.centroid, calibration)}`,
      `FWHM ${measured(peak.fwhm, unit)}${calibratedWidth(peak.fwhm, peak.centroid, calibration)}`,
      `area ${measured(peak.area, '')}`,
      ...(peak.areaUpperLimit === undefined
        ? []
        : [
            `not significant (${peak.significance.deviations.toFixed(1)} σ): area below ${formatMeasured(peak.areaUpperLimit)} (95 %)`,
          ]),
    ];
    return parts.join(' · ');
  });
  const others = Object.entries(fit.parameters)
    .filter(([name]) => !/^(area|centroid|sigma|fwhm)\d*$/.test(name))
    .map(([name, parameter]) => `${name} ${measured(parameter, '')}`);
  return [...peaks, [...others, goodness(fit)].join(' · ')];
}

function goodness({ deviance, degreesOfFreedom, pValue, converged }: FitResult): string {
  if (!converged) return 'did not converge: change range, model or number of peaks';
  const p =
    pValue === undefined ? '' : `, p ${pValue < 1e-4 ? pValue.toExponential(1) : pValue.toPrecision(2)}`;
  return `deviance ${deviance.toFixed(1)} / ${degreesOfFreedom}${p}`;
}

function measured({ value, error, state }: FittedParameter, unit: string): string {
  const text = formatMeasured(value, error);
  const note = state === 'fitted' || state === 'derived' ? '' : ` (${state})`;
  return `${text}${unit === '' ? '' : ` ${unit}`}${note}`;
}

function calibrated({ value, error = 0 }: FittedParameter, calibration: AxisCalibration | undefined): string {
  if (calibration === undefined) return '';
  const energy = calibratedPlace({ value, error }, calibration);
  return ` (${formatMeasured(energy.value, energy.error)} ${calibration.unit})`;
}

function calibratedWidth(
  { value, error = 0 }: FittedParameter,
  centroid: FittedParameter,
  calibration: AxisCalibration | undefined,
): string {
  if (calibration === undefined) return '';
  const slope = slopeAt(centroid.value, calibration);
  return ` (${formatMeasured(value * slope, error * slope)} ${calibration.unit})`;
}

export function fitAsText(fit: FitResult, about: FittedRegion): string {
  const { range, model, background } = fit;
  const unit = about.unit === '' ? '' : ` ${about.unit}`;
  const head = `${about.spectrum}, region ${about.region}: ${model} on background ${background}, ${range.low} to ${range.high}${unit}, ${new Date(about.atMs).toISOString()}`;
  return `${[head, ...fitLines(fit, about)].join('\n')}\n`;
}

/** One line per parameter. */
export function fitAsCsv(fit: FitResult, { region, spectrum }: FittedRegion): string {
  const rows = Object.entries(fit.parameters).map(([name, { value, error, state }]) =>
    [spectrum, region, name, value, error ?? '', state].map(quoted).join(','),
  );
  return `${['spectrum,region,parameter,value,error,state', ...rows].join('\n')}\n`;
}

export function fitAsJson(
  fit: FitResult,
  { region, spectrum, unit, calibration, atMs }: FittedRegion,
): string {
  const time = new Date(atMs).toISOString();
  return `${JSON.stringify({ spectrum, region, time, unit, ...fit, calibration }, undefined, 2)}\n`;
}

function quoted(cell: string | number): string {
  const text = String(cell);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
