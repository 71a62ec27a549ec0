/**
 * The figures of a region as texts with units and uncertainties, for the table below a plot. The
 * page's `RegionTable` shows them. Figures arrive in stored channels, places are shown in units of
 * the axis or in channels, and calibrated beside. Pure.
 */
import { energyAt } from '../../analysis/calibration/energy.js';
import type { Measured } from '../../analysis/region/region-figures.js';
import { formatMeasured, unitOf } from '../../plotting/measured.js';
import { formatAxisValue } from '../../plotting/ticks.js';
import type { RegionAnswer } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import { channelWidth, toChannel, toUnits, type Axis } from './axis.js';

/** FWHM of a Gauss in standard deviations: 2·√(2·ln 2). */
const FWHM_PER_SIGMA = 2.3548;

export interface RegionCells {
  readonly gross: string;
  readonly background: string;
  readonly net: string;
  readonly centroid: string;
  readonly fwhm: string;
  readonly rate: string;
}

export interface PlaceStyle {
  readonly inChannels: boolean;
  readonly calibration: AxisCalibration | undefined;
}

const NO_FIGURE = '—';

/** `y`: the second axis of a map; undefined for 1-D and projections. */
export function regionCells(
  { statistics, figures, rate }: RegionAnswer,
  x: Axis,
  y: Axis | undefined,
  style: PlaceStyle,
): RegionCells {
  const rateText = rate === undefined ? NO_FIGURE : `${formatMeasured(rate.perSecond, rate.error)} /s`;
  if (figures === undefined) return { ...mapCells(statistics, x, y, style), rate: rateText };
  const { gross, background, net, centroid, fwhm } = figures;
  const counts = ({ value, error }: Measured): string => formatMeasured(value, error);
  return {
    gross: counts(gross),
    background: counts(background),
    net: counts(net),
    centroid: centroid === undefined ? NO_FIGURE : placeText(centroid, x, style),
    fwhm: fwhm === undefined ? NO_FIGURE : widthText(fwhm, centroid, x, style),
    rate: rateText,
  };
}

/** The first and second moments of all counts of a part of a map: no background is subtracted. */
function mapCells(
  { sum, xmean, xsigma, ymean, ysigma }: RegionAnswer['statistics'],
  x: Axis,
  y: Axis | undefined,
  { inChannels }: PlaceStyle,
): Omit<RegionCells, 'rate'> {
  const plain = { inChannels, calibration: undefined };
  const both = (one: string, other: string): string => (other === '' ? one : `${one} , ${other}`);
  const place = (axis: Axis | undefined, mean: number | null): string =>
    axis === undefined || mean === null ? '' : placeText({ value: mean, error: 0 }, axis, plain);
  const width = (axis: Axis | undefined, sigma: number | null): string =>
    axis === undefined || sigma === null
      ? ''
      : widthText({ value: sigma * FWHM_PER_SIGMA, error: 0 }, undefined, axis, plain);
  return {
    gross: formatMeasured(sum, Math.sqrt(sum)),
    background: NO_FIGURE,
    net: NO_FIGURE,
    centroid: xmean === null ? NO_FIGURE : both(place(x, xmean), place(y, ymean)),
    fwhm: xsigma === null ? NO_FIGURE : both(width(x, xsigma), width(y, ysigma)),
  };
}

/** A place in stored channels, with the calibrated energy in brackets. */
function placeText(place: Measured, axis: Axis, { inChannels, calibration }: PlaceStyle): string {
  const { value, error } = place;
  const width = channelWidth(axis);
  const text = inChannels
    ? measuredOr(value - axis.inRange[0], error, 1)
    : `${measuredOr(toUnits(axis, value), error * width, width)} ${unitOf(axis.label)}`.trimEnd();
  if (calibration === undefined) return text;
  const energy = calibratedPlace({ value: toUnits(axis, value), error: error * width }, calibration);
  return `${text} (${formatMeasured(energy.value, energy.error)} ${calibration.unit})`;
}

function widthText(
  { value, error }: Measured,
  at: Measured | undefined,
  axis: Axis,
  { inChannels, calibration }: PlaceStyle,
): string {
  const width = channelWidth(axis);
  const text = inChannels
    ? measuredOr(value, error, 1)
    : `${measuredOr(value * width, error * width, width)} ${unitOf(axis.label)}`.trimEnd();
  if (calibration === undefined || at === undefined) return text;
  const slope = slopeAt(toUnits(axis, at.value), calibration) * width;
  return `${text} (${formatMeasured(value * slope, error * slope)} ${calibration.unit})`;
}

/** A place in units of the axis as a calibrated energy. */
export function calibratedPlace({ value, error }: Measured, calibration: AxisCalibration): Measured {
  return {
    value: energyAt(calibration.coefficients, value),
    error: error * slopeAt(value, calibration),
  };
}

export function slopeAt(place: number, { coefficients }: AxisCalibration): number {
  return Math.abs((coefficients[1] ?? 0) + 2 * (coefficients[2] ?? 0) * place);
}

/** A value without an uncertainty has the digits of half a step. */
function measuredOr(value: number, error: number, step: number): string {
  return error > 0 ? formatMeasured(value, error) : formatAxisValue(value, step / 2);
}

/** The limits of a range of stored channels, as they are shown and typed. */
export function limitTexts(range: ChannelRange, axis: Axis, inChannels: boolean): [string, string] {
  const text = (channel: number): string =>
    inChannels
      ? String(channel - axis.inRange[0])
      : formatAxisValue(toUnits(axis, channel), channelWidth(axis) / 2);
  return [text(range[0]), text(range[1])];
}

/** The whole channels of typed limits; undefined for texts that are no range of the axis. */
export function rangeOfLimits(
  low: string,
  high: string,
  axis: Axis,
  inChannels: boolean,
): ChannelRange | undefined {
  const channelOf = (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', ''));
    return Math.round(inChannels ? value + axis.inRange[0] : toChannel(axis, value));
  };
  const [from, to] = [channelOf(low), channelOf(high)];
  const [first, last] = axis.inRange;
  if (!(from < to) || to <= first || from >= last) return undefined;
  return [Math.max(first, from), Math.min(last, to)];
}
