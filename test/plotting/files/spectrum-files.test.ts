/** Files of spectra: what was written is read again, with the bytes that SpecTcl writes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  array,
  assert as property,
  constant,
  double,
  integer,
  option,
  property as forAll,
  record,
  string,
} from 'fast-check';
import { readSpectra } from '../../../plotting/files/read-spectra.js';
import type { SaveFormat } from '../../../plotting/files/save-formats.js';
import type { SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';
import { fileContent, fileNames, whyNotSaved } from '../../../plotting/files/spectrum-files.js';
import { tarEnd, tarEntry } from '../../../plotting/files/tar.js';

/** Monday, 30 November 2026, 12:38:39 UTC. */
const AT_MS = 1_796_042_319_000;

function joined(pieces: Iterable<Uint8Array>): Uint8Array {
  return Uint8Array.from(Buffer.concat([...pieces]));
}

function textOf(format: SaveFormat, spectra: readonly SavedSpectrum[]): string {
  return Buffer.from(joined(fileContent(format, spectra))).toString();
}

const axes = record({
  label: string({ unit: 'grapheme-ascii', maxLength: 12 }).map((label) => label.replaceAll('"', "'")),
  low: integer({ min: -1_000, max: 1_000 }),
  width: integer({ min: 1, max: 500 }),
  channels: integer({ min: 1, max: 12 }),
}).map(({ label, low, width, channels }) => ({ label, low, high: low + width, channels }));

const counts = integer({ min: 0, max: 2 ** 32 - 1 });

function spectraOf(twoDimensions: boolean) {
  return record({
    name: string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 }),
    x: axes,
    y: twoDimensions ? option(axes, { nil: undefined }) : constant(undefined),
    all: array(counts, { minLength: 144, maxLength: 144 }),
  }).map(({ name, x, y, all }): SavedSpectrum => {
    const channels = x.channels * (y?.channels ?? 1);
    const spectrum = { name, x, counts: Float64Array.from(all.slice(0, channels)), atMs: AT_MS };
    return Object.assign(spectrum, y === undefined ? { type: '1D long' } : { type: '2D long', y });
  });
}

const SPECTRUM: SavedSpectrum = {
  name: 'ge.00',
  type: '1D long',
  x: { label: 'ge.energy.00', low: 0, high: 4, channels: 4 },
  counts: Uint32Array.of(0, 7, 0, 4_000_000_000),
  atMs: AT_MS,
};
const MAP: SavedSpectrum = {
  name: 'pid',
  type: '2D word',
  x: { label: 'e', low: -1, high: 1, channels: 3 },
  y: { label: 'de', low: 0, high: 2.5, channels: 2 },
  counts: Uint16Array.of(0, 0, 5, 1, 0, 0),
  atMs: AT_MS,
};

describe('files of spectra', () => {
  let zone: string | undefined;

  before(() => {
    zone = process.env['TZ'];
    process.env['TZ'] = 'UTC';
  });

  after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it('swrite ASCII has the lines that SpecTcl writes', () => {
    expect(textOf('swrite', [SPECTRUM, MAP])).to.equal(`"ge.00" (4)
Mon Nov 30 12:38:39 2026
 3
1 long
("ge.energy.00")
(0 4)
--------------------------------------------
(1) 7
(3) 4000000000
(-1) -1
"pid" (3 2)
Mon Nov 30 12:38:39 2026
 3
2 word
("e" "de")
(-1 1) (0 2.5)
--------------------------------------------
(2 0) 5
(0 1) 1
(-1 -1) -1
`);
  });

  it('a .spe file has the records of Radware', () => {
    const bytes = Buffer.from(joined(fileContent('spe', [SPECTRUM])));
    expect(bytes).to.have.length(36 + 16 + 4);
    expect(bytes.subarray(0, 36).toString('hex')).to.equal(
      '1800000067652e3030202020040000000100000001000000010000001800000010000000',
    );
    expect([0, 1, 2, 3].map((channel) => bytes.readFloatLE(36 + channel * 4))).to.deep.equal([0, 7, 0, 4e9]);
    expect(bytes.readInt32LE(52)).to.equal(16);
  });

  it('swrite ASCII and JSON are read as they were written, one and several, 1-D and 2-D', () => {
    property(
      forAll(array(spectraOf(true), { minLength: 1, maxLength: 3 }), (spectra) => {
        for (const format of ['swrite', 'json'] as const) {
          expect(readSpectra(joined(fileContent(format, spectra)))).to.deep.equal(spectra);
        }
      }),
    );
  });

  it('CSV is read with the counts and axis that were written', () => {
    property(
      forAll(spectraOf(false), (spectrum) => {
        if (spectrum.x.channels < 2) return;
        const [read] = readSpectra(joined(fileContent('csv', [spectrum])));
        expect(read!.counts).to.deep.equal(spectrum.counts);
        const isFormula = /^[=+\-@]/.test(spectrum.name);
        expect(read!.name).to.equal(isFormula ? `'${spectrum.name}` : spectrum.name);
        expect(read!.x.low).to.be.closeTo(spectrum.x.low, 1e-4);
        expect(read!.x.high).to.be.closeTo(spectrum.x.high, 1e-4);
      }),
    );
  });

  it('a .spe file is read with the counts that 32 bits hold', () => {
    property(
      forAll(array(double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 40 }), (values) => {
        const counts = Float32Array.from(values);
        const spectrum = { ...SPECTRUM, counts, x: { ...SPECTRUM.x, channels: counts.length } };
        const [read] = readSpectra(joined(fileContent('spe', [spectrum])));
        expect([...Float32Array.from(read!.counts)]).to.deep.equal([...counts]);
        expect(read!.name).to.equal('ge.00');
      }),
    );
  });

  it('a map, and a spectrum of more than 16,384 channels, are refused for .spe with the reason', () => {
    expect(whyNotSaved('spe', MAP)).to.equal('pid has two dimensions; a .spe file holds spectra of one');
    const long = { ...SPECTRUM, x: { ...SPECTRUM.x, channels: 16_385 } };
    expect(whyNotSaved('spe', long)).to.match(/16385 channels; a .spe file holds at most 16384/);
    expect(whyNotSaved('spe', SPECTRUM)).to.equal(undefined);
  });

  it('a file that is cut or of another kind is refused with the line', () => {
    const read = (text: string) => () => readSpectra(new TextEncoder().encode(text));
    const whole = textOf('swrite', [SPECTRUM]);
    expect(read(whole.slice(0, -8))).to.throw(
      'expected a channel with its counts, found "the end of the file"',
    );
    expect(read(whole.replace('(3) 4', '(4) 4'))).to.throw('expected a channel of the spectrum');
    expect(read(whole.replace('(4)', '(99999999)'))).to.throw('a file may have 1 to 16777216');
    expect(read('xchannel,ychannel,x,y,counts\n')).to.throw('none of swrite ASCII');
    expect(read('channel,x,a\n0,1,b\n')).to.throw('line 2: expected 3 numbers, found "0,1,b"');
    expect(read('{"name":"a","columns":2,"rows":1,"counts":[1]}')).to.throw('not 2 numbers');
    expect(read('hello')).to.throw('none of swrite ASCII');
  });

  it('a JSON file with rows of channels and no axis y is refused', () => {
    const axis = { label: '', min: 0, max: 4 };
    const spectrum = { name: 'cut', x: axis, columns: 2, rows: 2, counts: [1, 2, 3, 4] };
    expect(() => readSpectra(Buffer.from(JSON.stringify(spectrum)))).to.throw('2 rows and no axis y');
  });

  it('names of files are plain and differ where names of spectra do', () => {
    const names = fileNames('csv', [{ name: 'a/b' }, { name: 'a b' }, { name: '../x' }, { name: 'A_B' }]);
    expect(names).to.deep.equal(['a_b.csv', 'a_b-2.csv', '__x.csv', 'A_B-3.csv']);
  });

  it('tar unpacks an archive with the names and contents that were put in', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    try {
      const files = { 'a.csv': 'channel\n', 'b.csv': 'x'.repeat(512), 'c.csv': '' };
      const pieces: Uint8Array[] = [];
      for (const [name, text] of Object.entries(files)) {
        pieces.push(...tarEntry(name, new TextEncoder().encode(text), AT_MS));
      }
      writeFileSync(join(directory, 'all.tar'), joined(pieces.concat(tarEnd())));
      execFileSync('tar', ['xf', 'all.tar'], { cwd: directory });
      for (const [name, text] of Object.entries(files)) {
        expect(readFileSync(join(directory, name), 'utf8')).to.equal(text);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
