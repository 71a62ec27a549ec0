import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';

describe('the end of a process', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`is an orderly one on ${signal}, once`, async () => {
      const child = new TestProcess('test/fixtures/child-behaviours', ['signals']);
      await child.line();
      child.process.kill(signal);
      child.process.kill(signal);
      expect(await child.line()).to.equal(`closed by ${signal}`);
      expect(await child.end()).to.equal(0);
      expect(child.errors.match(/stopping/g)).to.have.length(1);
    });
  }

  it('says so when closing fails', async () => {
    const child = new TestProcess('test/fixtures/child-behaviours', ['fails-closing']);
    await child.line();
    expect(await child.kill('SIGTERM')).to.equal(1);
    expect(child.errors).to.contain('stopping failed').and.contain('closing failed');
  });

  for (const [behaviour, said] of [
    ['crash', 'an uncaught exception'],
    ['rejects', 'an unhandled rejection'],
  ] as const) {
    it(`is logged when nobody expected it (${behaviour})`, async () => {
      const child = new TestProcess('test/fixtures/child-behaviours', [behaviour]);
      expect(await child.end()).to.equal(70);
      expect(child.errors).to.contain(said);
    });
  }
});
