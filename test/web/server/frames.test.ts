/** Frames of a spectrum: rates over the true span, regions with errors, under- and overflow. */
import { expect } from 'chai';
import type { Binding } from '../../../client-lib/index.js';
import { frameKey, sharedFrame, type FrameContext } from '../../../web/server/frames.js';
import type { CachedSpectrum } from '../../../web/server/spectrum-cache.js';
import { SpectrumHistory } from '../../../web/server/spectrum-history.js';
import type { FrameHead } from '../../../web/wire/frame.js';
import type { GateShape } from '../../../protocol/spectcl/gate-shape.js';
import type { Subscription } from '../../../web/wire/subscription.js';
import { sampleHistogram } from '../../kit/sample-spectrum.js';

const CHANNELS = 102;
const START_MS = 1_700_000_000_000;
const INFO = sampleHistogram({ xchans: CHANNELS });
const BINDING = { overflows: [7, 0], underflows: [5, 0] } as unknown as Binding;
const VIEW: Subscription = { id: 1, spectrum: 's', columns: 200, rows: 1 };

function spectrumOf(counts: Uint32Array, history = new SpectrumHistory()): CachedSpectrum {
  return { name: 's', binding: BINDING, counts, version: 1, history, frames: new Map() };
}

function headOf(
  spectrum: CachedSpectrum,
  view: Subscription,
  nowMs = 0,
  atMs = START_MS,
  part: Partial<Pick<FrameContext, 'earlier' | 'rememberedAt' | 'gates'>> = {},
): FrameHead {
  const { earlier, gates = [], rememberedAt = () => undefined } = part;
  const source = { earlier, gates, gatesRevision: gates.length, rememberedAt };
  const context = { nowMs, atMs, historyVersion: nowMs, sequence: 1, ...source };
  return sharedFrame(spectrum, frameKey(view), view, { ...INFO, parameters: ['e'] }, context)!.head;
}

describe('a frame of a spectrum', () => {
  it('the rate of a constant source is exact, however readings and publications fall', () => {
    // 1,000 counts a second in channel 50; a publication every 0.7 s, samples once a second.
    const history = new SpectrumHistory();
    const publishedBefore = (ms: number): number => Math.floor(ms / 700) * 700;
    const countsAt = (ms: number): Uint32Array => {
      const counts = new Uint32Array(CHANNELS);
      counts[50] = publishedBefore(ms);
      return counts;
    };
    const rates: number[] = [];
    for (let ms = 0; ms < 30_000; ms += 100) {
      const publishedMs = START_MS + publishedBefore(ms);
      if (history.isDue(ms)) history.record(ms, publishedMs, true, () => countsAt(ms));
      if (ms < 3_000) continue;
      const { sum, spanS } = headOf(
        spectrumOf(countsAt(ms), history),
        { ...VIEW, rateS: 1 },
        ms,
        publishedMs,
      );
      if (spanS! > 0 && sum > 0) rates.push(sum / spanS!);
    }
    expect(rates.length).to.be.above(100);
    for (const rate of rates) expect(rate).to.be.closeTo(1_000, 50);
  });

  it('a region has net counts, errors, and the rate of the last ten seconds', () => {
    const history = new SpectrumHistory();
    const counts = new Uint32Array(CHANNELS).fill(10);
    history.record(0, START_MS, true, () => counts.slice());
    counts[50] = 1_010;
    const view = { ...VIEW, regions: [{ x: [40, 60] as const, counts: true }, { x: [10, 20] as const }] };
    const { regions } = headOf(spectrumOf(counts, history), view, 10_000, START_MS + 10_000);
    const [peak, flat] = regions!;
    expect(peak!.figures!.net.value).to.be.closeTo(1_000, 1e-9);
    expect(peak!.figures!.centroid!.value).to.be.closeTo(50.5, 0.01);
    expect(peak!.rate).to.deep.equal({ perSecond: 100, error: Math.sqrt(1_000) / 10, spanS: 10 });
    expect(peak!.counts).to.have.length(20);
    expect(flat!.x).to.deep.equal([10, 20]);
    expect(flat!.counts).to.equal(undefined);
    expect(flat!.figures!.centroid).to.equal(undefined);
  });

  it('a difference has the counts since a recorded moment, and all counts of channels that were cleared', () => {
    const view = { ...VIEW, sinceMs: START_MS, regions: [{ x: [0, CHANNELS] as const }] };
    const [before, now] = [new Uint32Array(CHANNELS).fill(10), new Uint32Array(CHANNELS).fill(10)];
    now[50] = 17;
    now[60] = 4;
    const headSince = (spectrum: CachedSpectrum): FrameHead =>
      headOf(spectrumOf(now), view, 0, START_MS + 5_000, { earlier: { spectrum, atMs: START_MS } });
    const head = headSince(spectrumOf(before));
    expect(head).to.deep.include({ sum: 11, max: 7, since: { atMs: START_MS, known: true } });
    expect(head.regions![0]!.statistics.sum).to.equal(11);
    expect(head.regions![0]!.rate, 'the counts are already a difference').to.equal(undefined);
    const otherAxes = headSince(spectrumOf(new Uint32Array(7)));
    expect(otherAxes.since, 'a spectrum with other axes then').to.deep.equal({
      atMs: START_MS,
      known: false,
    });
  });

  it('the rate of a past moment is that since the recorded moment before it', () => {
    const view = { ...VIEW, atMs: START_MS, rateS: 10 as const };
    const [before, now] = [new Uint32Array(CHANNELS), new Uint32Array(CHANNELS).fill(1)];
    const earlier = { spectrum: spectrumOf(before), atMs: START_MS - 8_000 };
    const head = headOf(spectrumOf(now), view, 0, START_MS, { earlier });
    expect(head).to.deep.include({ sum: CHANNELS, rateS: 10, spanS: 8, momentMs: START_MS });
  });

  it('counts since a remembered moment are those that came in, and none without it', () => {
    const before = new Uint32Array(CHANNELS).fill(10);
    const counts = before.slice();
    [counts[50], counts[60]] = [15, 3];
    const view = { ...VIEW, sinceMs: 5, regions: [{ x: [40, 70] as const }] };
    const remembered = (atMs: number): Uint32Array | undefined => (atMs === 5 ? before : undefined);
    const head = headOf(spectrumOf(counts), view, 0, START_MS, { rememberedAt: remembered });
    expect(head).to.deep.include({ since: { atMs: 5, known: true }, sum: 8 });
    expect(head.regions![0]!.statistics.sum).to.equal(8);
    const unknown = headOf(spectrumOf(counts), { ...view, sinceMs: 6 }, 0, START_MS, {
      rememberedAt: remembered,
    });
    expect(unknown).to.deep.include({ since: { atMs: 6, known: false }, sum: 0 });
    const otherAxes = headOf(spectrumOf(counts), view, 0, START_MS, {
      rememberedAt: () => new Uint32Array(3),
    });
    expect(otherAxes.since).to.deep.equal({ atMs: 5, known: false });
  });

  it('under- and overflow are those of the outer channels, as new as the counts', () => {
    const counts = new Uint32Array(CHANNELS);
    [counts[0], counts[CHANNELS - 1]] = [123, 456];
    expect(headOf(spectrumOf(counts), VIEW)).to.deep.include({ underflows: [123], overflows: [456] });
  });

  it('a view that asks for it has the counts and the rate inside each gate on its parameter', () => {
    const history = new SpectrumHistory();
    history.record(0, START_MS, true, () => new Uint32Array(CHANNELS));
    const counts = new Uint32Array(CHANNELS);
    // Channel 0 is underflow: bins 9, 10 and 11 are from 9 to 12 keV.
    counts.set([100, 200, 100], 10);
    counts[0] = 7;
    const slice = (name: string, parameter: string, low: number, high: number): GateShape => {
      return { name, type: 's', shape: 'slice', parameters: [parameter], low, high, points: [] };
    };
    const gates = [slice('in', 'e', 9, 11), slice('other', 'f', 0, 100), slice('all', 'e', -10, 200)];
    const view = { ...VIEW, gates: true };
    const head = headOf(spectrumOf(counts, history), view, 10_000, START_MS + 10_000, { gates });
    expect(head.gates?.map(({ name, figures }) => [name, figures.counts.value])).to.deep.equal([
      ['in', 300],
      ['all', 400],
    ]);
    expect(head.gates?.[0]?.rate).to.deep.include({ perSecond: 30, spanS: 10 });
    expect(head.gates?.[1]?.figures.moments[0]?.centroid.value).to.be.closeTo(10.5, 1e-9);
    expect(headOf(spectrumOf(counts, history), VIEW, 0, START_MS, { gates }).gates).to.equal(undefined);
  });
});
