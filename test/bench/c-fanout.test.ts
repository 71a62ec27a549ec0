/** The ring in C beside which `fanout` is measured. Runs it where `cc` is installed. */
import { expect } from 'chai';
import { cFanoutRates, fitsCRing, parseCFanout } from '../../bench/c-fanout.js';
import { compiledProgram } from '../../bench/c-programs.js';
import { failureOf } from '../kit/failure-of.js';
import { hasProgram } from '../kit/c-compiler.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const DURATION_MS = 50;

describe('the ring in C beside fanout', function () {
  this.timeout(60_000);
  let temporary: TemporaryDirectory;
  let directory: string;

  before(function () {
    if (!hasProgram('cc')) skip(this, 'a C compiler (cc) is not installed');
  });

  beforeEach(() => {
    temporary = new TemporaryDirectory();
    directory = temporary.path;
  });

  afterEach(() => {
    temporary.remove();
  });

  for (const copies of [false, true])
    it(`every reader that ${copies ? 'copies' : 'borrows'} gets all buffers in order`, async () => {
      const shape = { consumers: 3, size: 256, buffers: 64, copies };
      const rates = await cFanoutRates(shape, directory, DURATION_MS);
      expect(rates?.buffersEach).to.be.greaterThan(0);
      expect(rates?.bytesTogether).to.be.greaterThan((rates?.buffersEach ?? 0) * 256);
    });

  it('a ring of fewer slots than a quarter needs works', async () => {
    const rates = await cFanoutRates({ consumers: 2, size: 4096, buffers: 2, copies: true }, directory, 50);
    expect(rates?.buffersEach).to.be.greaterThan(0);
  });

  it('a wrong byte in a buffer fails the measurement', async () => {
    expect(compiledProgram('c-fanout', directory, { options: ['-DWRITTEN=1'] })).to.be.a('string');
    const shape = { consumers: 2, size: 256, buffers: 64, copies: false };
    const error = await failureOf(cFanoutRates(shape, directory, DURATION_MS));
    expect(error.message).to.include('a wrong buffer');
  });
});

describe('the figures of the ring in C', () => {
  it('the rate is the median of the readers, the bytes are of all, the processor time is per buffer', () => {
    expect(parseCFanout('2.0 1.0 100 300 200\n', 10)).to.deep.equal({
      buffersEach: 100,
      bytesTogether: 3_000,
      cpuNsPerBuffer: 5_000_000,
    });
  });

  it('a line without figures is an error', () => {
    expect(() => parseCFanout('', 10)).to.throw('no figures: ""');
    expect(() => parseCFanout('1.0 0.5 0 0', 10)).to.throw('no figures');
    expect(() => parseCFanout('1.0 nan 5', 10)).to.throw('no figures');
  });

  it('more readers than the program has room for are not measured', () => {
    const shape = { size: 128, buffers: 4, copies: false };
    expect([64, 65].map((consumers) => fitsCRing({ ...shape, consumers }))).to.deep.equal([true, false]);
  });
});
