/**
 * The requests of SpecTcl's REST service that make, remove, clear, project and integrate spectra,
 * with the words of its errors. Part of the handlers of rest-service.ts. Changes the spectra.
 */
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
import type { SpectrumTypeCode } from '../protocol/spectcl/display-memory.js';
import { globMatcher } from '../protocol/spectcl/glob.js';
import { passes } from './gate-condition.js';
import type { Gates } from './gates.js';
import {
  channelOf,
  integrateLimits,
  integratePolygon,
  sliceChannels,
  type Integrated,
} from './integration.js';
import { projectedWeights, weightsOf } from './new-distribution.js';
import { pointsOf, ServiceError, type Query } from './service-error.js';
import type { AxisDefinition, SpectrumDefinition } from './spectrum-definition.js';
import type { SpectrumStore } from './spectrum-store.js';

export interface SpectrumServices {
  readonly store: SpectrumStore;
  readonly gates: Gates;
  /** Defines a spectrum, removes one; both are recorded in traces. */
  readonly define: (definition: SpectrumDefinition) => void;
  readonly undefine: (name: string) => boolean;
}

/** The codes of the display memory by channel type, of one and of two dimensions. */
const TYPE_CODES: Readonly<Record<string, readonly [SpectrumTypeCode, SpectrumTypeCode]>> = {
  long: [4, 5],
  word: [2, 3],
  byte: [2, 1],
};
const BINS_MAX = 65_536;

export function zeroSpectra({ store }: SpectrumServices, query: Query): void {
  const isSelected = globMatcher(query.get('pattern') ?? '*');
  for (const { definition } of store.spectra) if (isSelected(definition.name)) store.zero(definition.name);
}

export function createSpectrum({ store, define }: SpectrumServices, query: Query): void {
  const name = required(query, 'name');
  const type = required(query, 'type');
  const parameters = words(required(query, 'parameters'));
  const axes = [...required(query, 'axes').matchAll(/\{([^{}]*)\}/g)].map(([, axis = '']) => words(axis));
  const codes = TYPE_CODES[required(query, 'chantype')];
  if ((type !== '1' && type !== '2') || codes === undefined)
    throw new ServiceError('command failed', `the simulator makes no spectra of type ${type}`);
  if (parameters.length !== Number(type) || axes.length !== Number(type))
    throw new ServiceError('command failed', `A spectrum of type ${type} has ${type} parameters and axes`);
  const definitions = axes.map((axis, index) => axisOf(axis, parameters[index] ?? ''));
  const weights = weightsOf(definitions, store.spectra);
  command(() =>
    define({
      name,
      type: codes[type === '1' ? 0 : 1],
      axes: definitions,
      ...(weights === undefined ? {} : { weights }),
    }),
  );
}

export function deleteSpectrum({ undefine }: SpectrumServices, query: Query): void {
  const name = required(query, 'name');
  if (!undefine(name)) throw new ServiceError('not found', name);
}

/** A new spectrum with the counts of another one, summed onto one of its axes. */
export function project({ store, gates, define }: SpectrumServices, query: Query): void {
  const failed = (reason: string): ServiceError => new ServiceError("'project' command failed: ", reason);
  const [snapshot, source, newname, direction] = ['snapshot', 'source', 'newname', 'direction'].map((name) =>
    required(query, name),
  );
  const spectrum = store.counts(source ?? '');
  const [xaxis, yaxis] = spectrum?.definition.axes ?? [];
  if (spectrum === undefined || xaxis === undefined || yaxis === undefined || newname === undefined)
    throw failed(`${source} is not a spectrum of two dimensions`);
  if (direction !== 'x' && direction !== 'y') throw failed(`${direction} is not x or y`);
  const contour = query.get('contour');
  if (contour !== undefined && gates.get(contour)?.type !== 'c') throw failed(`${contour} is not a contour`);
  const axis = direction === 'x' ? xaxis : yaxis;
  const counts = Array.from({ length: axis.bins }, () => 0);
  const isInside = (x: number, y: number): boolean =>
    contour === undefined ||
    passes(gates, contour, (name) =>
      centreOf(name === xaxis.parameter ? xaxis : yaxis, name === xaxis.parameter ? x : y),
    );
  for (let y = 0; y < yaxis.bins; y++) {
    for (let x = 0; x < xaxis.bins; x++) {
      if (isInside(x, y)) counts[direction === 'x' ? x : y]! += spectrum.countsAt(x, y);
    }
  }
  const weights = isTrue(snapshot) ? undefined : projectedWeights(spectrum.definition, direction, isInside);
  const { gate } = spectrum.definition;
  const kept = weights === undefined ? {} : { weights, ...(gate === undefined ? {} : { gate }) };
  try {
    define({ name: newname, type: 4, axes: [axis], ...kept });
  } catch (error) {
    throw failed(describeError(error));
  }
  store.setCounts(newname, counts);
}

/** Centroid and FWHM are numbers for one axis, lists for two. */
export function integrate({ store, gates }: SpectrumServices, query: Query): unknown {
  const name = query.get('spectrum');
  if (name === undefined) throw new ServiceError("Missing required query parameter 'spectrum'");
  const commandText = `'integrate ${name}' failed`;
  const spectrum = store.counts(name);
  if (spectrum === undefined)
    throw new ServiceError(commandText, `${name} must be the name of a valid spectrum`);
  const [x, y] = spectrum.definition.axes;
  if (x === undefined) throw new ServiceError(commandText, `${name} has no axis`);
  try {
    const { centroid, fwhm, counts } =
      y === undefined ? integrateLine(x, spectrum.countsAt) : integratePlane(x, y, spectrum.countsAt);
    if (y !== undefined) return { centroid, fwhm, counts };
    return { centroid: centroid[0], fwhm: fwhm[0], counts };
  } catch (error) {
    // The messages of the command become the detail.
    if (error instanceof ServiceError && error.detail === undefined && !error.message.includes("'"))
      throw new ServiceError(commandText, error.message);
    throw error;
  }

  function integrateLine(axis: AxisDefinition, countsAt: (x: number, y: number) => number): Integrated {
    const [gate, low, high] = [query.get('gate'), query.get('low'), query.get('high')];
    if (gate !== undefined) {
      const slice = gates.get(gate);
      if (slice?.type !== 's' || slice.parameters?.[0] !== axis.parameter)
        throw new ServiceError(commandText, '1d Spectrum Region of interest is invalid');
      return integrateLimits(axis, countsAt, ...sliceChannels(axis, slice.low ?? 0, slice.high ?? 0));
    }
    if (low === undefined) throw new ServiceError("'integrate' - could not determine integration type");
    if (high === undefined) throw new ServiceError("Missing required query parameter 'high'");
    const limits = [Number(low), Number(high)].sort((one, other) => one - other);
    const [first = 0, last = 0] = limits.map((limit) => channelOf(axis, limit));
    return integrateLimits(axis, countsAt, first, last);
  }

  function integratePlane(
    xaxis: AxisDefinition,
    yaxis: AxisDefinition,
    countsAt: (x: number, y: number) => number,
  ): Integrated {
    const gate = query.get('gate');
    if (gate === undefined) {
      const points = pointsOf(query);
      if (points.length < 3)
        throw new ServiceError("There must be at least 3 'xcoord' and 'ycoord' parameters");
      return integratePolygon([xaxis, yaxis], countsAt, points);
    }
    const contour = gates.get(gate);
    const isShown = contour?.parameters?.[0] === xaxis.parameter && contour.parameters[1] === yaxis.parameter;
    if (contour?.type !== 'c' || !isShown)
      throw new ServiceError(commandText, '2d Spectrum region of interest is invalid');
    return integratePolygon([xaxis, yaxis], countsAt, contour.points ?? []);
  }
}

function axisOf([low, high, bins]: readonly string[], parameter: string): AxisDefinition {
  const axis = { parameter, low: Number(low), high: Number(high), bins: Number(bins), unit: '' };
  const isValid =
    axis.high > axis.low && Number.isInteger(axis.bins) && axis.bins >= 1 && axis.bins <= BINS_MAX;
  if (!isValid) throw new ServiceError('command failed', `the axis of ${parameter} is not valid`);
  return axis;
}

function centreOf({ low, high, bins }: AxisDefinition, bin: number): number {
  return low + ((bin + 0.5) * (high - low)) / bins;
}

function command(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (error instanceof MirrorflowError) throw new ServiceError('command failed', error.message);
    throw error;
  }
}

function required(query: Query, name: string): string {
  const value = query.get(name);
  if (value === undefined) throw new ServiceError('missing parameter', name);
  return value;
}

function words(text: string): string[] {
  return text
    .replaceAll(/[{}]/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && /^(?:1|true|yes|on)$/i.test(text);
}
