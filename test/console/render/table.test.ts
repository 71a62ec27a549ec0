/** Tables in a terminal and in a pipe. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { renderTable, type TableCell } from '../../../console/render/table.js';
import { isHarmless, uncoloured } from './sgr.js';

const COLUMNS = [{ header: 'flow' }, { header: 'buffers' }, { header: 'about' }];
const PLAIN = { colour: 'none', unicode: true, empty: 'No flows.' } as const;

describe('tables', () => {
  it('a table aligns text left and numbers right', () => {
    expect(
      renderTable(
        COLUMNS,
        [
          ['spectra', 12345, 'beam'],
          ['events', 7, 'raw'],
        ],
        { ...PLAIN, width: 80 },
      ),
    ).to.deep.equal(['flow     buffers  about', 'spectra   12,345  beam', 'events         7  raw']);
  });
  it('outside a terminal no cell is cut, numbers are not grouped and empty cells are marked', () => {
    const about = 'x'.repeat(200);
    expect(
      renderTable(
        COLUMNS,
        [
          ['spectra', 12345, about],
          ['two  spaces', null, ''],
        ],
        PLAIN,
      ),
    ).to.deep.equal([
      'flow        buffers  about',
      `spectra       12345  ${about}`,
      'two spaces        -  -',
    ]);
  });
  it("a table without rows is replaced by the caller's sentence", () => {
    expect(renderTable(COLUMNS, [], { ...PLAIN, width: 80 })).to.deep.equal(['No flows.']);
  });
  it('the widest text column is cut first and numbers are never cut', () => {
    expect(
      renderTable(COLUMNS, [['spectra', 1234567, '日本語日本語日本語']], { ...PLAIN, width: 30 }),
    ).to.deep.equal(['flow       buffers  about', 'spectra  1,234,567  日本語日…']);
  });
  it('a cell is cut before it is styled', () => {
    const rows = [[{ text: 'abcdefghij', style: 'red' } as const]];
    expect(renderTable([{ header: 'state' }], rows, { ...PLAIN, colour: 'basic', width: 6 })).to.deep.equal([
      '\x1b[1mstate\x1b[0m',
      '\x1b[31mabcde…\x1b[0m',
    ]);
  });
  it('no escape sequence passes and no line is wider than the terminal', () => {
    const text = fc.string({ unit: 'binary' });
    const cell: fc.Arbitrary<TableCell> = fc.oneof(
      text,
      fc.double(),
      fc.bigInt(),
      fc.constant(undefined),
      text.map((text) => ({ text, style: 'red' as const })),
    );
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.array(fc.array(cell, { maxLength: 4 }), { maxLength: 4 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        (headers, rows, width, unicode) => {
          const columns = headers.map((header) => ({ header }));
          const lines = renderTable(columns, rows, { width, unicode, colour: 'basic', empty: 'none' });
          for (const line of lines) expect(isHarmless(line, width), line).to.equal(true);
          for (const line of renderTable(columns, rows, { ...PLAIN, unicode })) {
            expect(line.trim().split(/ {2,}/).length).to.be.at.most(columns.length);
          }
          if (!unicode) expect(lines.map(uncoloured).join('')).to.match(/^[ -~]*$/);
        },
      ),
    );
  });
});
