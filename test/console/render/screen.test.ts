/** The escape sequences that turn one frame of a live display into the next. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { repaint, type ScreenFrame } from '../../../console/render/screen.js';

const frame = (lines: string[], height = 10, width = 80): ScreenFrame => ({ lines, width, height });

/** Emulates a terminal for exactly the sequences that `repaint` may write. */
function shownAfter(before: readonly string[], sequence: string): string[] {
  const rows = [...before];
  let row = 0;
  for (const part of sequence.split('\x1b[')) {
    const [, code, text] = /^(\d+;1H|K|J|2J|0m)?([\s\S]*)$/.exec(part) ?? [];
    if (code?.endsWith('H') === true) row = Number.parseInt(code, 10) - 1;
    else if (code === '2J') rows.length = 0;
    else if (code === 'J') rows.length = Math.min(rows.length, row);
    else if (code === 'K') rows[row] = '';
    if (text !== '') rows[row] = text ?? '';
  }
  return Array.from(rows, (line) => line ?? '');
}

describe('repainting a terminal', () => {
  it('an unchanged frame writes nothing', () => {
    expect(repaint(frame(['a', 'b']), frame(['a', 'b']))).to.equal('');
  });
  it('a changed line is cleared and written alone', () => {
    expect(repaint(frame(['a', 'b', 'c']), frame(['a', 'x', 'c']))).to.equal('\x1b[2;1H\x1b[Kx');
  });
  it('a shorter frame clears the lines below it', () => {
    expect(repaint(frame(['a', 'b', 'c']), frame(['a']))).to.equal('\x1b[2;1H\x1b[J');
  });
  it('the first frame and a resized terminal are painted completely', () => {
    expect(repaint(undefined, frame(['a']))).to.equal('\x1b[0m\x1b[2J\x1b[1;1H\x1b[Ka');
    expect(repaint(frame(['a'], 10), frame(['a'], 9))).to.equal('\x1b[0m\x1b[2J\x1b[1;1H\x1b[Ka');
  });
  it("lines below the terminal's height are not written", () => {
    expect(repaint(frame(['a', 'b'], 1), frame(['a', 'c'], 1))).to.equal('');
  });
  it('after a repaint the terminal shows the next frame, whatever it showed before', () => {
    const lines = fc.array(fc.constantFrom('', 'a', 'b', 'cc'), { maxLength: 8 });
    fc.assert(
      fc.property(
        lines,
        lines,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        (a, b, h1, h2) => {
          const first = frame(a, h1);
          const second = frame(b, h2);
          const shown = shownAfter(shownAfter([], repaint(undefined, first)), repaint(first, second));
          expect(shown).to.deep.equal(b.slice(0, h2));
        },
      ),
    );
  });
});
