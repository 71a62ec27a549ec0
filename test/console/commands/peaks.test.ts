/**
 * `mirrorflow fit` and `mirrorflow peaks` against a running system, and the same numbers over
 * XML-RPC.
 */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { FitResult } from '../../../analysis/fit/fit-spectrum.js';
import type { MeasuredPeak } from '../../../analysis/peaks/measure-peaks.js';
import type { Simulator } from '../../../simulator/simulator.js';
import { eventually } from '../../kit/eventually.js';
import { needsPython } from '../../kit/requirements.js';
import { ConsoleSystem } from '../system.js';

const COBALT = 'ge.00.Co-60';
/** 2.355 · √(0.6² + 0.0011 · 1332.5) keV, by the shapes of the simulator. */
const TRUE_FWHM = 3.164;

/** Calls a method of the app server with arguments in JSON; prints the answer or fault as JSON. */
const CALL = `
import json, sys, xmlrpc.client
url, method, arguments = sys.argv[1:]
server = xmlrpc.client.ServerProxy(url)
try:
    print(json.dumps(getattr(server, method)(*json.loads(arguments))))
except xmlrpc.client.Fault as fault:
    print(json.dumps({'fault': fault.faultCode, 'text': fault.faultString}))
`;

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

  it('fit prints parameters, errors and the deviance for people', async () => {
    const { stdout } = await system.run('fit', COBALT, '--range', '1310-1355', '--model', 'germanium');
    expect(stdout).to.match(/^ge\.00\.Co-60: germanium on background 1, 1310 to 1355 keV, 90 channels/);
    expect(stdout).to.match(/\ncentroid +1332\.\d+ ± 0\.\d+\n/);
    expect(stdout).to.match(/\ndeviance [\d.]+ for 82 degrees of freedom, p-value [\d.e-]+\n/);
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

  it('integrate has the figures inside every gate, and with the rule spectcl those that SpecTcl answers', async () => {
    type Answer = {
      gates: { gate: string; counts: { value: number }; moments: { centroid: { value: number } }[] }[];
    };
    const { gates } = await system.json<Answer>('integrate', 'pid.de-vs-e');
    expect(gates.map(({ gate, moments }) => [gate, moments.length])).to.deep.equal([['alpha', 2]]);
    const words = ['integrate', 'tof', '--gate', 'beam', '--rule', 'spectcl'];
    const [inBeam] = (await system.json<Answer>(...words)).gates;
    const url = `http://127.0.0.1:${simulator.restPort}/spectcl/integrate?spectrum=tof&gate=beam`;
    const { detail } = (await (await fetch(url)).json()) as { detail: { counts: number; centroid: number } };
    expect(inBeam!.counts.value).to.equal(detail.counts);
    expect(inBeam!.moments[0]!.centroid.value).to.be.closeTo(detail.centroid, 1e-6);
    expect((await system.run(...words)).stdout).to.match(/^gate +counts +centroid +fwhm\nbeam +[\d,]+ ± /);
    expect((await system.run('integrate', COBALT)).stdout).to.contain('No gates on this spectrum.');
    const refused = await system.run('integrate', 'tof', '--gate', 'alpha');
    expect(refused.stderr).to.contain('is not drawn on tof');
    expect(refused.exit).to.equal(2);
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

  describe('from Python, with xmlrpc.client', () => {
    let url: string;

    before(async function () {
      needsPython(this, 'xmlrpc.client');
      const apps = await system.json<{ name: string; port: number }[]>('apps');
      const token = readFileSync(`${system.directory}/apps/e1.read.token`, 'utf8').trim();
      url = `http://mirrorflow:${token}@127.0.0.1:${apps[0]!.port}/RPC2`;
    });

    async function call<T>(method: string, ...words: readonly unknown[]): Promise<T> {
      const { stdout } = await promisify(execFile)('python3', [
        '-c',
        CALL,
        url,
        method,
        JSON.stringify(words),
      ]);
      return JSON.parse(stdout) as T;
    }

    it('app.fit answers every number of mirrorflow fit --json', async () => {
      for (const [request, words] of [
        [{ range: '1310-1355' }, []],
        [
          { range: '1310-1355', model: 'germanium', set: 'fwhm=3..3.4', intervals: true },
          ['--model', 'germanium', '--set', 'fwhm=3..3.4', '--intervals'],
        ],
        [
          { range: '1150-1360', peaks: 2, at: [1173, 1332.5], widths: 'free', background: '2' },
          ['--peaks', '2', '--at', '1173,1332.5', '--widths', 'free', '--background', '2'],
        ],
      ] as const) {
        const { unit, ...printed } = await system.json<FitResult & { unit: string }>(
          'fit',
          COBALT,
          '--range',
          request.range,
          ...words,
        );
        expect(unit).to.equal('keV');
        expect(await call('app.fit', COBALT, request)).to.deep.equal(printed);
      }
    });

    it('app.peaks answers every number of mirrorflow peaks --json', async () => {
      const { unit: _unit, ...all } = await system.json<{ unit: string }>('peaks', COBALT);
      expect(await call('app.peaks', COBALT)).to.deep.equal(all);
      const words = ['--range', '1300-1400', '--threshold', '10', '--fwhm', '3.2'];
      const { unit: _same, ...part } = await system.json<{ unit: string }>('peaks', COBALT, ...words);
      const request = { range: '1300-1400', threshold: 10, fwhm: 3.2 };
      expect(await call('app.peaks', COBALT, request)).to.deep.equal(part);
    });

    it('a request that is impossible gets a fault with its reason', async () => {
      for (const [words, fault, text] of [
        [[COBALT, { range: '9-1' }], 3, 'LOW-HIGH'],
        [[COBALT, { range: '5000-6000' }], 3, 'the axis goes from 0 to 2048'],
        [['pid.de-vs-e', { range: '1-2' }], 3, 'two dimensions'],
        [['ge.00.Co-6O', { range: '1-2' }], 18, 'there is no spectrum "ge.00.Co-6O"; there are '],
        [[COBALT, { range: '1-2', modell: 'emg' }], -32_602, 'has no member "modell"'],
      ] as const) {
        const answer = await call<{ fault: number; text: string }>('app.fit', ...words);
        expect(answer.fault).to.equal(fault);
        expect(answer.text).to.contain(text);
      }
    });

    it('app.fit starts a mirror that does not run', async () => {
      const flow = async (): Promise<{ pid?: number }> => (await call<{ pid?: number }[]>('flow.list'))[0]!;
      const { pid } = await flow();
      process.kill(pid!, 'SIGTERM');
      await eventually(async () => (await flow()).pid === undefined, 'the mirror has stopped');
      const fit = await call<FitResult>('app.fit', COBALT, { range: '1310-1355' });
      expect(fit.parameters['fwhm']!.value / TRUE_FWHM).to.be.closeTo(1, 0.03);
      expect((await flow()).pid)
        .to.be.a('number')
        .that.is.not.equal(pid);
    });
  });
});
