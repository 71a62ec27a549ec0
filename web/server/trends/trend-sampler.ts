/**
 * Measures all trends of one application, once a second: one read of the newest publication gives
 * the sums of all of them. `AppTrends` has one. Reads the mirror through the application's watch;
 * keeps no counts but those of peaks.
 */
import { countsInside } from '../../../analysis/gates/gate-figures.js';
import { bindings, channelsOf, readBinding, type Binding } from '../../../protocol/spectcl/display-memory.js';
import type { Logger } from '../../../protocol/base/log.js';
import { channelWidth, toUnits, xAxis } from '../../view/axis.js';
import { gatesOn } from '../../view/gates-on.js';
import type { GateShape } from '../../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from '../../wire/ranges.js';
import type { Trend, TrendSource } from '../../wire/trends.js';
import type { Measured } from '../alarms/alarm-condition.js';
import type { AppWatch } from '../app-watch.js';
import { gatedCounts } from '../gate-answers.js';
import { clampRange, sumOf } from '../derive.js';
import { spectrumInfo } from '../spectrum-info.js';
import type { Values } from '../../wire/frame.js';
import { PeakMeter, type RegionCounts } from './peak-meter.js';
import { RateMeter } from './rate-meter.js';
import type { ScalerReader } from './scaler-reader.js';

type SpectrumSource = Exclude<TrendSource, { kind: 'scaler' }>;

/** What one read takes from the memory for one trend. */
type Reading =
  | { readonly kind: 'sum'; readonly sum: number; readonly gate?: GateShape }
  | { readonly kind: 'region'; readonly region: RegionCounts };

interface Meters {
  readonly rate: RateMeter;
  readonly peak: PeakMeter;
  /** As it was at the last sum: counts inside another shape cannot be compared. */
  gate: GateShape | undefined;
  /** The result of the last fit, valid until the next. */
  centroid: Measured | undefined;
}

export class TrendSampler {
  readonly #watch: AppWatch;
  readonly #scalers: ScalerReader;
  readonly #log: Logger;
  readonly #meters = new Map<string, Meters>();
  /** Slots of the display memory by name of the spectrum, as they were found last. */
  readonly #slots = new Map<string, number>();
  /** Whether the slots were searched in this read: once is enough for all that are missing. */
  #isIndexed = false;

  constructor(watch: AppWatch, scalers: ScalerReader, log: Logger) {
    this.#watch = watch;
    this.#scalers = scalers;
    this.#log = log;
  }

  /** What each trend measures now; trends without a value are missing. */
  sample(trends: Readonly<Record<string, Trend>>, nowMs: number): Map<string, Measured> {
    const measured = new Map<string, Measured>();
    for (const name of this.#meters.keys()) if (!Object.hasOwn(trends, name)) this.#meters.delete(name);
    const ofSpectra: [name: string, source: SpectrumSource][] = [];
    for (const [name, { source }] of Object.entries(trends)) {
      if (source.kind !== 'scaler') ofSpectra.push([name, source]);
      else {
        const rate = this.#scalers.rate(source, nowMs);
        if (rate !== undefined) measured.set(name, { value: rate, changed: rate !== 0 });
      }
    }
    if (ofSpectra.length > 0) this.#sampleSpectra(ofSpectra, nowMs, measured);
    return measured;
  }

  #sampleSpectra(
    sources: readonly (readonly [string, SpectrumSource])[],
    nowMs: number,
    measured: Map<string, Measured>,
  ): void {
    const read = this.#readMirror(sources, nowMs);
    sources.forEach(([name], index) => {
      const meters = this.#metersOf(name);
      const reading = read?.readings[index];
      if (read === undefined || reading === undefined) return reset(meters);
      const value = measure(meters, reading, read.publishedMs, nowMs);
      if (value !== undefined) measured.set(name, value);
    });
  }

  /** Undefined without a live mirror, also when the duplicator has just closed its files. */
  #readMirror(
    sources: readonly (readonly [string, SpectrumSource])[],
    nowMs: number,
  ): { publishedMs: number; readings: (Reading | undefined)[] } | undefined {
    if (this.#watch.status.state !== 'live') return undefined;
    try {
      return this.#watch.readMirror((spectra, { timestampNs }) => {
        this.#isIndexed = false;
        return {
          publishedMs: timestampNs / 1e6,
          readings: sources.map(([name, source]) => this.#read(spectra.memory, name, source, nowMs)),
        };
      });
    } catch (error) {
      this.#log.debug('cannot read a publication for trends', { app: this.#watch.app, error });
      return undefined;
    }
  }

  /** May run twice over other publications, so it changes no meter. */
  #read(memory: Uint8Array, name: string, source: SpectrumSource, nowMs: number): Reading | undefined {
    const binding = this.#findBinding(memory, source.spectrum);
    if (binding === undefined || binding.byteOffset + binding.byteLength > memory.byteLength)
      return undefined;
    const counts = channelsOf(memory, binding);
    switch (source.kind) {
      case 'spectrum':
        return { kind: 'sum', sum: regionSum(counts, binding, source.x, source.y) };
      case 'peak':
        return this.#peakReading(counts, binding, source.x, this.#metersOf(name), nowMs);
      case 'gate':
        return this.#gateReading(counts, binding, source.gate);
      default:
        return source satisfies never;
    }
  }

  #gateReading(values: Values, binding: Binding, name: string): Reading | undefined {
    const info = spectrumInfo(binding, this.#watch.metadata.spectrum(binding.name));
    const gate = gatesOn(info, undefined, this.#watch.gates).find((drawn) => drawn.name === name);
    if (gate === undefined) return undefined;
    const { xchans, ychans } = binding;
    const sum = countsInside(gatedCounts({ values, xchans, ychans }, info, undefined), gate);
    return { kind: 'sum', sum, gate };
  }

  #peakReading(
    counts: Values,
    binding: Binding,
    range: ChannelRange,
    meters: Meters,
    nowMs: number,
  ): Reading | undefined {
    if (binding.dimensions !== 1) return undefined;
    const [first, end] = clampRange(range, binding.xchans);
    const axis = xAxis(spectrumInfo(binding, this.#watch.metadata.spectrum(binding.name)));
    const isDue = meters.peak.isDue(nowMs);
    const region = {
      // Between two fits the counts are of no use.
      counts: isDue ? Float64Array.from(counts.subarray(first, end)) : [],
      low: toUnits(axis, first),
      width: channelWidth(axis),
    };
    return { kind: 'region', region };
  }

  #metersOf(name: string): Meters {
    let meters = this.#meters.get(name);
    if (meters === undefined) {
      meters = { rate: new RateMeter(), peak: new PeakMeter(), gate: undefined, centroid: undefined };
      this.#meters.set(name, meters);
    }
    return meters;
  }

  #findBinding(memory: Uint8Array, name: string): Binding | undefined {
    const slot = this.#slots.get(name);
    const known = slot === undefined ? undefined : readBinding(memory, slot);
    if (known?.name === name) return known;
    if (this.#isIndexed) return undefined;
    this.#isIndexed = true;
    this.#slots.clear();
    let found: Binding | undefined;
    for (const binding of bindings(memory)) {
      this.#slots.set(binding.name, binding.slot);
      if (binding.name === name) found = binding;
    }
    return found;
  }
}

function measure(meters: Meters, reading: Reading, publishedMs: number, nowMs: number): Measured | undefined {
  if (reading.kind === 'sum') {
    if (!isSameGate(meters.gate, reading.gate)) meters.rate.reset();
    meters.gate = reading.gate;
    const rate = meters.rate.measure({ sum: reading.sum, publishedMs, nowMs });
    return rate === undefined ? undefined : { value: rate, changed: rate !== 0 };
  }
  if (!meters.peak.isDue(nowMs)) return meters.centroid;
  const before = meters.centroid?.value;
  const centroid = meters.peak.measure(reading.region, nowMs);
  meters.centroid = centroid && { ...centroid, changed: centroid.value !== before };
  return meters.centroid;
}

/** A new list of gates has new objects for all of them. */
function isSameGate(one: GateShape | undefined, other: GateShape | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function reset(meters: Meters): void {
  meters.rate.reset();
  meters.peak.reset();
  meters.centroid = undefined;
}

function regionSum(
  counts: Values,
  { xchans, ychans }: Binding,
  x: ChannelRange = [0, xchans],
  y: ChannelRange = [0, ychans],
): number {
  const [firstColumn, endColumn] = clampRange(x, xchans);
  const [firstRow, endRow] = clampRange(y, ychans);
  let sum = 0;
  for (let row = firstRow; row < endRow; row += 1) {
    sum += sumOf(counts.subarray(row * xchans + firstColumn, row * xchans + endColumn));
  }
  return sum;
}
