/** The mirror client in C beside which `spectcl` is measured, with a simulator in this process. */
import { expect } from 'chai';
import { parseCMirror, runCMirror, sumOfWords } from '../../bench/c-mirror.js';
import { MirrorClient } from '../../bench/mirror-client.js';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.js';
import { failureOf } from '../kit/failure-of.js';
import { hasProgram } from '../kit/c-compiler.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const CHANNEL_BYTES = 2 * 2 ** 20;
const DURATION_MS = 50;

describe('the mirror client in C beside spectcl', function () {
  this.timeout(60_000);
  let temporary: TemporaryDirectory;
  let directory: string;
  let simulator: Simulator | undefined;

  before(function () {
    if (!hasProgram('cc')) skip(this, 'a C compiler (cc) is not installed');
  });

  beforeEach(() => {
    temporary = new TemporaryDirectory();
    directory = temporary.path;
  });

  afterEach(async () => {
    await simulator?.close();
    simulator = undefined;
    temporary.remove();
  });

  async function started(options: SimulatorOptions = {}): Promise<Simulator> {
    simulator = await startSimulator({ channelBytes: CHANNEL_BYTES, rate: 0, ...options });
    return simulator;
  }

  it('its shared memory holds what another client of the same source receives', async () => {
    const source = await started();
    source.step(10_000);
    const other = await MirrorClient.open(source.mirrorPort, CHANNEL_BYTES);
    await other.update();
    other.close();
    const run = await runCMirror(directory, source.mirrorPort, CHANNEL_BYTES, DURATION_MS);
    const expected = sumOfWords(other.memory);
    expect(expected > 10_000n, String(expected)).to.equal(true);
    expect(run?.sum).to.equal(expected);
    expect(run?.updatesPerSecond).to.be.greaterThan(0);
    expect(run?.cpuMsPerUpdate).to.be.greaterThan(0);
  });

  it('a source with more channels than its memory has fails the measurement', async () => {
    const source = await started();
    const error = await failureOf(runCMirror(directory, source.mirrorPort, 4096, DURATION_MS));
    expect(error.message).to.include('does not fit the memory');
  });

  it('a source that answers with garbage fails the measurement', async () => {
    const source = await started({ misbehaviour: { mirror: 'garbage' } });
    const error = await failureOf(runCMirror(directory, source.mirrorPort, CHANNEL_BYTES, DURATION_MS));
    expect(error.message).to.match(/a reply of the wrong type|does not fit|closed the connection/);
  });
});

describe('the figures of the mirror client in C', () => {
  it('the rate and the processor time are per update', () => {
    expect(parseCMirror('2.0 100 0.5 18446744073709551615\n')).to.deep.equal({
      updatesPerSecond: 50,
      cpuMsPerUpdate: 5,
      sum: 2n ** 64n - 1n,
    });
  });

  it('a line without figures is an error', () => {
    expect(() => parseCMirror('')).to.throw('no figures: ""');
    expect(() => parseCMirror('1.0 0 0.5 7')).to.throw('no figures');
  });

  it('a sum of words is exact beyond the range of a double', () => {
    const memory = Buffer.alloc(4 * 2_500_000, 0xff);
    expect(sumOfWords(memory)).to.equal(2_500_000n * 0xffff_ffffn);
  });
});
