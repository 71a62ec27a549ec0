/** Moments in addresses and names, and the keys and ticks of the time line. */
import { expect } from 'chai';
import { assert as property, integer, property as forAll } from 'fast-check';
import {
  formatMoment,
  localText,
  momentText,
  movedByKey,
  nameAtMoment,
  parseMoment,
  placeOnTimeline,
  runAt,
  spacedTicks,
  spectrumAtMoment,
  timelineRange,
  zoneHelp,
  zoneText,
} from '../../../web/view/moment.js';
import { trendSpectrum } from '../../../web/view/trend.js';
import type { RunTick, Timeline } from '../../../web/wire/recording.js';

const run = (atMs: number, number: string): RunTick => ({ atMs, number, state: 'Active', title: '' });
const TIMELINE: Timeline = {
  spans: [
    [1_000, 5_000],
    [9_000, 21_000],
  ],
  runs: [run(1_000, '1'), run(4_000, '2'), run(4_010, '3'), run(12_000, '4')],
  stepMs: 250,
  unreadable: 0,
};

describe('a moment of a recording', () => {
  it('a moment is the same after it was written into an address or a name', () => {
    property(
      forAll(integer({ min: 1, max: 4_000_000_000_000 }), (atMs) => {
        expect(parseMoment(formatMoment(atMs))).to.equal(atMs);
        expect(spectrumAtMoment(nameAtMoment('ge.00 @home', atMs))).to.deep.equal({
          spectrum: 'ge.00 @home',
          atMs,
        });
      }),
    );
  });

  it('other texts are no moments, and names with them are names of spectra', () => {
    for (const text of ['', '2027', '2027-03-01', '2027-03-01T12:34:00', '2027-13-01T12:34:00Z', 'x'])
      expect(parseMoment(text), text).to.equal(undefined);
    for (const name of ['tof', 'tof @', 'tof @noon', '@2027-03-01T12:34:00Z', 'tof @2027-13-01T12:34:00Z'])
      expect(spectrumAtMoment(name)).to.deep.equal({ spectrum: name, atMs: undefined });
  });

  it('a moment is shown in the time zone of the reader', () => {
    const atMs = new Date(2027, 2, 1, 2, 3, 4).getTime();
    expect(localText(atMs)).to.equal('2027-03-01 02:03:04');
    expect(momentText(atMs)).to.equal(`2027-03-01 02:03:04 ${zoneText(atMs)}`);
  });

  describe('in time zones', () => {
    const before = process.env['TZ'];
    afterEach(() => {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    });

    it('the offset is that of the moment, with summer time', () => {
      const [winter, summer] = [Date.UTC(2027, 2, 1, 11, 34), Date.UTC(2027, 6, 1, 11, 34)];
      const zones: readonly (readonly [string, string, string])[] = [
        ['Europe/Berlin', '2027-03-01 12:34:00 UTC+1', '2027-07-01 13:34:00 UTC+2'],
        ['America/New_York', '2027-03-01 06:34:00 UTC-5', '2027-07-01 07:34:00 UTC-4'],
        ['America/St_Johns', '2027-03-01 08:04:00 UTC-3:30', '2027-07-01 09:04:00 UTC-2:30'],
        ['Asia/Kathmandu', '2027-03-01 17:19:00 UTC+5:45', '2027-07-01 17:19:00 UTC+5:45'],
        ['UTC', '2027-03-01 11:34:00 UTC', '2027-07-01 11:34:00 UTC'],
      ];
      for (const [zone, inWinter, inSummer] of zones) {
        process.env['TZ'] = zone;
        expect([momentText(winter), momentText(summer)], zone).to.deep.equal([inWinter, inSummer]);
      }
    });

    it('the help names the zone, and the moment as files and addresses have it', () => {
      process.env['TZ'] = 'Europe/Berlin';
      expect(zoneHelp(Date.UTC(2027, 2, 1, 11, 34))).to.equal(
        'Times of this page are local: Europe/Berlin, UTC+1. Files and addresses have UTC: 2027-03-01T11:34:00Z',
      );
      process.env['TZ'] = 'UTC';
      expect(zoneHelp(0)).to.equal(
        'Times of this page are local: UTC. Files and addresses have UTC: 1970-01-01T00:00:00Z',
      );
    });
  });
});

describe('the time line of a recording', () => {
  it('a time line reaches from the first to the last recorded time, and is empty without one', () => {
    expect(timelineRange(TIMELINE)).to.deep.equal([1_000, 21_000]);
    expect(timelineRange({ ...TIMELINE, spans: [] })).to.equal(undefined);
    expect(placeOnTimeline([1_000, 21_000], 6_000)).to.equal(0.25);
    expect(placeOnTimeline([1_000, 21_000], 0)).to.equal(0);
    expect(placeOnTimeline([1_000, 21_000], 30_000)).to.equal(1);
  });

  it('a time line has the run of each moment, and one tick for runs that lie together', () => {
    expect(runAt(TIMELINE, 999)).to.equal(undefined);
    expect(runAt(TIMELINE, 4_005)?.number).to.equal('2');
    expect(runAt(TIMELINE, 20_000)?.number).to.equal('4');
    expect(spacedTicks(TIMELINE, 0.01).map(({ number }) => number)).to.deep.equal(['1', '2', '4']);
    expect(spacedTicks(TIMELINE, 0).map(({ number }) => number)).to.deep.equal(['1', '2', '3', '4']);
  });

  it('the keys of a time line step to publications and runs, and stop at the ends', () => {
    const moved = (key: string, shift = false, from = 10_000): number | undefined =>
      movedByKey(TIMELINE, from, key, shift);
    expect(moved('ArrowLeft')).to.equal(9_750);
    expect(moved('ArrowUp')).to.equal(10_250);
    expect(moved('ArrowRight', true)).to.equal(12_000);
    expect(moved('ArrowLeft', true)).to.equal(4_010);
    expect(moved('ArrowRight', true, 15_000), 'no later run').to.equal(21_000);
    expect(moved('ArrowLeft', true, 1_000), 'no earlier run').to.equal(1_000);
    expect(moved('PageUp')).to.equal(11_000);
    expect(moved('PageDown')).to.equal(9_000);
    expect(moved('Home')).to.equal(1_000);
    expect(moved('End')).to.equal(21_000);
    expect(moved('ArrowLeft', false, 1_100)).to.equal(1_000);
    expect(moved('a')).to.equal(undefined);
    expect(movedByKey({ ...TIMELINE, spans: [] }, 5, 'Home', false)).to.equal(undefined);
  });
});

describe('a trend as a spectrum', () => {
  it('a trend as a spectrum has time as its axis, in the largest unit that divides it well, and 0 without a value', () => {
    const hour = 3_600_000;
    const of = (spanMs: number) => trendSpectrum('t', [1, null, 3], [hour, hour + spanMs]).x;
    expect(of(100 * hour)).to.deep.equal({
      label: 'd since 1970-01-01T01:00:00Z',
      low: 0,
      high: 100 / 24,
      channels: 3,
    });
    expect(of(12 * hour).label).to.match(/^h since/);
    expect(of(hour).label).to.match(/^min since/);
    expect(of(10).label).to.match(/^s since/);
    expect(Array.from(trendSpectrum('t', [1, null, 3], [hour, 2 * hour]).counts)).to.deep.equal([1, 0, 3]);
  });
});
