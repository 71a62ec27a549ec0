/** The texts beside a plot: sums below it, counts under the cursor. */
import { expect } from 'chai';
import { IDENTITY_PLACEMENT, xAxis, yAxis } from '../../../web/view/axis.js';
import { sumText, cursorText } from '../../../web/view/plot-words.js';
import type { Frame } from '../../../web/wire/frame.js';
import { sampleMap } from '../../kit/sample-spectrum.js';

const INFO = sampleMap({ xchans: 12, ychans: 4, ymax: 4, youtside: false });
const AXES = { x: xAxis(INFO), y: yAxis(INFO) };

function frame(change: Partial<Frame['head']>, values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000]): Frame {
  const head: Frame['head'] = {
    values: 'u16',
    info: INFO,
    dimensions: 1,
    x: [1, 11],
    xgroup: 1,
    y: [0, 1],
    ygroup: 1,
    columns: values.length,
    rows: 1,
    max: 1_000,
    sum: 1_045,
    overflows: [],
    underflows: [],
    sequence: 1,
    atMs: 0,
    ...change,
  };
  return { id: 1, head, values: Uint16Array.from(values) };
}

describe('the texts beside a plot', () => {
  it('the foot of a plot has sum and highest, and under- and overflow only when they have counts', () => {
    expect(sumText(frame({}).head, 1_000)).to.equal('Sum 1,045 · highest in view 1,000');
    expect(sumText(frame({ underflows: [0, 2], overflows: [0] }).head, 1)).to.match(/ · below 2$/);
    expect(sumText(frame({ overflows: [5, 2] }).head, 1)).to.match(/ · above 7$/);
  });

  it('the foot of a rate names the seconds that it covers', () => {
    expect(sumText(frame({ rateS: 10, spanS: 2, sum: 50 }).head, undefined)).to.equal(
      'Last 2.0 s: 50 counts · 25 per second',
    );
    expect(sumText(frame({ rateS: 10, spanS: 0, sum: 0 }).head, undefined)).to.equal('Last 0.0 s: 0 counts');
  });

  it('the cursor text has the counts under the cursor, in units or in channels', () => {
    const spectra = [{ name: 'a', frame: frame({}), placement: IDENTITY_PLACEMENT }];
    const at = (x: number, channels: boolean): string =>
      cursorText({ x, y: 0 }, spectra, AXES, { oneDimensional: true, channels, calibration: undefined });
    expect(at(3.7, true)).to.equal('ch 2 → 3 counts');
    expect(at(3.7, false)).to.equal('25 (ch 2) → 3 counts');
    expect(at(11, true)).to.equal('ch 10 → ');
  });

  it('the cursor text names each of several spectra, and the number of channels of a grouped value', () => {
    const grouped = frame({ xgroup: 5, columns: 2 }, [7, 9]);
    const spectra = [
      { name: 'a', frame: frame({}), placement: IDENTITY_PLACEMENT },
      { name: 'b', frame: grouped, placement: IDENTITY_PLACEMENT },
    ];
    expect(
      cursorText({ x: 6, y: 0 }, spectra, AXES, {
        oneDimensional: true,
        channels: true,
        calibration: undefined,
      }),
    ).to.equal('ch 5 → a: 6 counts | b: 9 counts (highest of 5 channels)');
  });

  it('the cursor text of a map has both axes', () => {
    const map = frame({ dimensions: 2, x: [1, 3], y: [0, 2], columns: 2, rows: 2 }, [1, 2, 3, 4]);
    const spectra = [{ name: 'a', frame: map, placement: IDENTITY_PLACEMENT }];
    expect(
      cursorText({ x: 2, y: 1 }, spectra, AXES, {
        oneDimensional: false,
        channels: true,
        calibration: undefined,
      }),
    ).to.equal('ch 1, ch 1 → 4 counts');
  });
});
