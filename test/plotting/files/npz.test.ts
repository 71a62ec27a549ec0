/** Files for numpy: read by their bytes, and by numpy and Python's zipfile where installed. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import type { SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';
import { fileContent } from '../../../plotting/files/spectrum-files.js';
import { pythonWithNumpy } from '../../kit/python.js';
import { skip } from '../../kit/skip.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

const TOF: SavedSpectrum = {
  name: 'tof.ß',
  type: '1D long',
  x: { label: 'tof [ns]', low: -10, high: 10, channels: 5 },
  counts: [0, 1, 2 ** 32 - 1, 70_000, 3],
  atMs: Date.UTC(2027, 2, 1, 12, 34, 56),
};
const MAP: SavedSpectrum = {
  name: 'pid',
  type: '2D long',
  x: { label: 'e', low: 0, high: 3, channels: 3 },
  y: { label: 'de', low: 0, high: 1, channels: 2 },
  counts: [1, 2, 3, 4.5, 5, -6],
  atMs: 0,
};

interface StoredArray {
  readonly description: string;
  readonly data: Buffer;
}

/** The entries of a zip by its directory, each with its checksum compared. */
function entriesOf(zip: Buffer): Map<string, StoredArray> {
  const end = zip.length - 22;
  expect(zip.readUInt32LE(end)).to.equal(0x06054b50);
  const entries = new Map<string, StoredArray>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    expect(zip.readUInt32LE(at)).to.equal(0x02014b50);
    const [crc, size, length] = [
      zip.readUInt32LE(at + 16),
      zip.readUInt32LE(at + 24),
      zip.readUInt16LE(at + 28),
    ];
    const local = zip.readUInt32LE(at + 42);
    expect(zip.readUInt32LE(local)).to.equal(0x04034b50);
    const name = zip.toString('utf8', at + 46, at + 46 + length);
    const content = zip.subarray(local + 30 + length, local + 30 + length + size);
    expect(zip.toString('utf8', local + 30, local + 30 + length)).to.equal(name);
    expect(crc32(content)).to.equal(crc);
    expect(content.toString('latin1', 0, 8)).to.equal('\u0093NUMPY\u0001\u0000');
    const dataAt = 10 + content.readUInt16LE(8);
    expect(dataAt % 64).to.equal(0);
    entries.set(name, {
      description: content.toString('latin1', 10, dataAt),
      data: content.subarray(dataAt),
    });
    at += 46 + length;
  }
  expect(at).to.equal(end);
  return entries;
}

const npz = (...spectra: readonly SavedSpectrum[]): Buffer => Buffer.concat([...fileContent('npz', spectra)]);

describe('spectra for numpy', () => {
  it('counts are unsigned integers, other numbers doubles, each with its shape and the limits of its channels', () => {
    const entries = entriesOf(npz(TOF, MAP));
    expect([...entries.keys()]).to.deep.equal([
      'tof.ß.npy',
      'tof.ß:x.npy',
      'pid.npy',
      'pid:x.npy',
      'pid:y.npy',
    ]);
    const { description, data } = entries.get('tof.ß.npy')!;
    expect(description).to.match(/^\{'descr': '<u4', 'fortran_order': False, 'shape': \(5,\), \} *\n$/);
    expect(Array.from({ length: 5 }, (_, index) => data.readUInt32LE(4 * index))).to.deep.equal(TOF.counts);
    const map = entries.get('pid.npy')!;
    expect(map.description).to.include("'<f8'").and.include('(2, 3)');
    expect(Array.from({ length: 6 }, (_, index) => map.data.readDoubleLE(8 * index))).to.deep.equal(
      MAP.counts,
    );
    const limits = entries.get('tof.ß:x.npy')!.data;
    expect(Array.from({ length: 6 }, (_, index) => limits.readDoubleLE(8 * index))).to.deep.equal([
      -10, -6, -2, 2, 6, 10,
    ]);
  });

  it('no array hides another, whatever the spectra are called', () => {
    const named = (name: string): SavedSpectrum => ({ ...TOF, name });
    expect([...entriesOf(npz(named('a'), named('a:x'))).keys()]).to.deep.equal([
      'a.npy',
      'a:x.npy',
      'a:x-2.npy',
      'a:x:x.npy',
    ]);
    expect(entriesOf(npz()).size).to.equal(0);
  });

  it('numpy reads the arrays with names, types and shapes, and finds no damage', function () {
    const python = pythonWithNumpy() ?? skip(this, 'no Python with numpy is installed');
    const directory = new TemporaryDirectory();
    try {
      const path = directory.file('two.npz');
      writeFileSync(path, npz(TOF, MAP));
      const script = `
import json, sys, zipfile, numpy
with zipfile.ZipFile(sys.argv[1]) as archive:
    damaged, time = archive.testzip(), archive.getinfo("tof.ß.npy").date_time
with numpy.load(sys.argv[1], allow_pickle=False) as arrays:
    print(json.dumps([damaged, time, {name: [arrays[name].dtype.str, arrays[name].tolist()] for name in arrays}]))
`;
      const { stdout, stderr } = spawnSync(python, ['-c', script, path], {
        encoding: 'utf8',
        env: { ...process.env, PYTHONIOENCODING: 'utf-8', PYTHONUTF8: '1' },
      });
      expect(stderr).to.equal('');
      expect(JSON.parse(stdout)).to.deep.equal([
        null,
        [2027, 3, 1, 12, 34, 56],
        {
          'tof.ß': ['<u4', TOF.counts],
          'tof.ß:x': ['<f8', [-10, -6, -2, 2, 6, 10]],
          pid: ['<f8', [Array.from(MAP.counts).slice(0, 3), Array.from(MAP.counts).slice(3)]],
          'pid:x': ['<f8', [0, 1, 2, 3]],
          'pid:y': ['<f8', [0, 0.5, 1]],
        },
      ]);
    } finally {
      directory.remove();
    }
  });
});
