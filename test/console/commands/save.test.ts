/** `mirrorflow save` against a running system: files that hold what the source has. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SpectraView } from '../../../client-lib/index.js';
import { readSpectra } from '../../../plotting/files/read-spectra.js';
import type { SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';
import type { Simulator } from '../../../simulator/simulator.js';
import { ConsoleSystem } from '../system.js';

const sumOf = ({ counts }: SavedSpectrum): number =>
  Array.from(counts).reduce((sum, count) => sum + count, 0);

describe('save', () => {
  let system: ConsoleSystem;
  let simulator: Simulator;
  let directory: string;

  before(async () => {
    system = new ConsoleSystem();
    simulator = await system.simulator({ rate: 0 });
    simulator.step(50_000);
    directory = join(system.root, 'saved');
    mkdirSync(directory);
    await system.json('host', 'start');
    await system.json('run', 'e1', '--spectcl', simulator.address, '--linger', '60000');
  });

  after(async () => {
    await system.close();
  });

  const read = (name: string): SavedSpectrum[] => readSpectra(readFileSync(join(directory, name)));

  it('a file in swrite and JSON has the counts of the source without under- and overflow', async () => {
    for (const [format, file] of [
      ['swrite', 'two.spec'],
      ['json', 'two.json'],
    ] as const) {
      const path = join(directory, file);
      const words = ['save', 'ge.00.Co-60', 'pid.de-vs-e', '--format', format, '--output', path];
      const { files, spectra } = await system.json<{ files: string[]; spectra: number }>(...words);
      expect({ files, spectra }).to.deep.equal({ files: [path], spectra: 2 });
      const view = new SpectraView(simulator.memory);
      for (const saved of read(file)) {
        const { binding, counts } = view.get(saved.name);
        const { xchans, ychans, dimensions } = binding;
        expect(saved.x.channels).to.equal(xchans - 2);
        expect([saved.x.low, saved.x.high]).to.deep.equal([binding.xmin, binding.xmax]);
        let inside = 0;
        for (let channel = 0; channel < counts.length; channel += 1) {
          const [x, y] = [channel % xchans, Math.floor(channel / xchans)];
          const isInside = x > 0 && x < xchans - 1 && (dimensions === 1 || (y > 0 && y < ychans - 1));
          if (isInside) inside += counts[channel]!;
        }
        expect(sumOf(saved)).to.equal(inside);
      }
    }
  });

  it('without a file the spectra are written to standard output', async () => {
    const { stdout, exit } = await system.run('save', 'tof', '--format', 'csv');
    expect(exit).to.equal(0);
    expect(stdout.split('\n')[0]).to.equal('channel,x,tof');
    const [tof] = readSpectra(Buffer.from(stdout));
    expect(sumOf(tof!)).to.be.above(0);
  });

  it('--all writes a file per spectrum, and names those that the format cannot hold', async () => {
    const path = `${join(directory, 'all')}/`;
    const { stderr, exit } = await system.run('save', '--all', '--format', 'spe', '-o', path);
    expect(exit).to.equal(0);
    expect(stderr).to.match(/left out: pid\.de-vs-e has two dimensions/);
    const names = new SpectraView(simulator.memory).list();
    const oneDimensional = names.filter(({ binding }) => binding.dimensions === 1);
    expect(readdirSync(path)).to.have.length(oneDimensional.length);
    expect(readSpectra(readFileSync(join(path, 'tof.spe')))[0]!.name).to.equal('tof');
  });

  it('what cannot be saved is an error that says why, and leaves no file', async () => {
    writeFileSync(join(directory, 'file'), '');
    const cases: [words: string[], exit: number, text: string][] = [
      [['save'], 2, 'give names of spectra, or --all'],
      [['save', 'tof', '--all'], 2, 'give names of spectra, or --all'],
      [['save', 'nothing'], 4, 'there is no spectrum "nothing"'],
      [['save', 'pid.de-vs-e', '--format', 'spe', '-o', join(directory, 'map.spe')], 2, 'two dimensions'],
      [['save', 'tof', '--format', 'spe'], 2, 'name a file or directory'],
      [['save', 'tof', 'ge.00.Co-60', '--format', 'csv'], 2, 'holds one spectrum, not 2'],
      [['save', 'tof', '-o', join(directory, 'file', 'below')], 1, 'cannot write'],
    ];
    for (const [words, exit, text] of cases) {
      const result = await system.run(...words);
      expect(result.exit, words.join(' ')).to.equal(exit);
      expect(result.stderr, words.join(' ')).to.include(text);
    }
    expect(existsSync(join(directory, 'map.spe'))).to.equal(false);
    expect(readdirSync(directory).filter((name) => name.includes('.part'))).to.deep.equal([]);
  });
});
