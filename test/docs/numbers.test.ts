/** Tests that the tables of docs/ for programs in other languages are those of the code. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { format } from 'prettier';
import { numberTables } from '../../protocol/flow/number-tables.js';
import {
  ARRAY_OFFSETS,
  DISPLAY_HEADER_BYTES,
  ENTRY_BYTES,
  SPECTRUM_TYPES,
} from '../../protocol/spectcl/display-memory.js';

function pageOf(name: string): string {
  return readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
}

describe('docs/numbers.md', () => {
  it('the tables of faults, refusals and counters are generated from the code', async () => {
    expect(pageOf('numbers.md')).to.equal(
      await format(numberTables(), { parser: 'markdown', printWidth: 110 }),
    );
  });
});

describe('docs/display-memory.md', () => {
  it('the page of the display memory has the positions and sizes of the code', () => {
    const rows = [...pageOf('display-memory.md').matchAll(/^\| `(\w+)`\s*\| ([\d,]+)\s*\| (\d+)/gm)];
    const number = (text = ''): number => Number(text.replaceAll(',', ''));
    const found = rows.map(([, array = '', at, bytes]) => [array, [number(at), number(bytes)]]);
    const expected = Object.entries(ARRAY_OFFSETS).map(([array, at]) => [
      array,
      [at, ENTRY_BYTES[array as keyof typeof ENTRY_BYTES]],
    ]);
    expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(expected));
    expect(pageOf('display-memory.md')).to.contain(`| ${DISPLAY_HEADER_BYTES.toLocaleString('en')} `);
  });

  it('the page of the display memory has the spectrum types of the code', () => {
    const rows = [...pageOf('display-memory.md').matchAll(/^\| ([1-5])\s*\| (\S+ \S+)\s*\| u(\d+)/gm)];
    const found = rows.map(([, code = '', name, bits]) => [code, [name, Number(bits) / 8]]);
    const expected = Object.entries(SPECTRUM_TYPES).map(([code, type]) => [
      code,
      [type.name, type.bytesPerChannel],
    ]);
    expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(expected));
  });
});
