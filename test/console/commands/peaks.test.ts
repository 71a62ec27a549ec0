/** `mirrorflow fit` and `mirrorflow peaks` against a running system. */
import { expect } from 'chai';
import type { FitResult } from '../../../analysis/fit/fit-spectrum.js';
import type { MeasuredPeak } from '../../../analysis/peaks/measure-peaks.js';
import type { Simulator } from '../../../simulator/simulator.js';
import { ConsoleSystem } from '../system.js';

const COBALT = 'ge.00.Co-60';
/** 2.355 · √(0.6² + 0.0011 · 1332.5) keV, by the shapes of the simulator. */
const TRUE_FWHM = 3.164;

describe('fit and peaks', () => {
  let system: ConsoleSystem;
  let simulator: Simulator;

  before(async () => {
    system = new ConsoleSystem();
    simulator = await system.simulator({ rate: 0 });
    simulator.step(3_000_000);
    await system.json('host', 'start');
    await system.json('run', 'e1', '--spectcl', simulator.address, '--linger', '60000');
  });

  after(async () => {
    await system.close();
  });

  it('fit --json has centroid, FWHM and area of a line, each with its error', async () => {
    const fit = await system.json<FitResult & { name: string }>('fit', COBALT, '--range', '1310-1355');
    expect(fit).to.include({
      name: COBALT,
      axis: 'ge.energy.00 [keV]',
      unit: 'keV',
      model: 'gauss',
      background: '1',
      converged: true,
    });
    const { centroid, fwhm, area } = fit.parameters;
    expect(Math.abs(centroid!.value - 1332.5)).to.be.below(4 * centroid!.error! + 0.01);
    expect(fwhm!.value / TRUE_FWHM).to.be.closeTo(1, 0.03);
    expect(area!.error! / Math.sqrt(area!.value)).to.be.closeTo(1, 0.2);
    expect(fit.pValue).to.be.within(1e-6, 1);
  });

  it('fit prints parameters, errors and the likelihood ratio for people', async () => {
    const { stdout } = await system.run('fit', COBALT, '--range', '1310-1355', '--model', 'germanium');
    expect(stdout).to.match(/^ge\.00\.Co-60: germanium on background 1, 1310 to 1355 keV, 90 channels/);
    expect(stdout).to.match(/\ncentroid +1332\.\d+ ± 0\.\d+\n/);
    expect(stdout).to.match(/\nlikelihood ratio [\d.]+ for 82 degrees of freedom, p-value [\d.e-]+\n/);
  });

  it('fit states an upper limit where there is no peak', async () => {
    const words = ['--range', '1400-1500', '--set', 'fwhm=3.2,centroid=1450', '--background', '0'];
    const { stdout } = await system.run('fit', COBALT, ...words);
    expect(stdout).to.match(/peak 1 is not significant \(\d\.\d standard deviations\): area below \d/);
  });

  it('fit --watch --json prints another fit when counts arrive', async () => {
    const words = ['fit', COBALT, '--range', '1310-1355', '--watch', '--json', '--interval', '20'];
    const watching = system.spawn(words);
    const areas = (): number[] =>
      watching.stdout
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => (JSON.parse(line) as FitResult).parameters['area']!.value);
    await watching.eventually(() => areas().length > 0, 'a fit');
    simulator.step(300_000);
    await watching.eventually(() => areas().at(-1)! > areas()[0]!, 'a larger area');
    watching.child.kill('SIGINT');
    await watching.ended;
  });

  it('peaks lists the lines of a source with areas', async () => {
    const { peaks } = await system.json<{ peaks: MeasuredPeak[] }>('peaks', COBALT);
    const energies = peaks.map(({ centroid }) => centroid.value);
    for (const line of [1173.2, 1332.5]) {
      expect(Math.min(...energies.map((energy) => Math.abs(energy - line)))).to.be.below(0.2);
    }
    const { stdout } = await system.run('peaks', COBALT, '--range', '1300-1400');
    expect(stdout).to.match(/^ *centroid keV +fwhm +area +significance\n *1332\.\d+ ± 0\.\d+ +3\.\d+ ± /);
  });

  it('a fit that is impossible is refused with the reason, and the exit code of bad usage', async () => {
    for (const [words, text] of [
      [['fit', COBALT, '--range', '5000-6000'], 'has no channel; the axis goes from 0 to 2048'],
      [['fit', COBALT, '--range', '9-1'], 'LOW-HIGH'],
      [['fit', COBALT, '--range', '1310-1355', '--model', 'voigt'], 'one of gauss'],
      [['fit', 'pid.de-vs-e', '--range', '1-2'], 'two dimensions'],
    ] as const) {
      const { exit, stderr } = await system.run(...words);
      expect(stderr).to.contain(text);
      expect(exit).to.equal(2);
    }
    expect((await system.run('peaks', 'ge.00.Co-6O')).stderr).to.contain('did you mean ge.00.Co-60?');
  });
});
