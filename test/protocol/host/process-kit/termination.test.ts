/** How programs end on signals and uncaught errors, with real processes. */
import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';

describe('end of a program', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`a program closes once on two ${signal}`, async () => {
      const child = new TestProcess('test/fixtures/child-behaviours', ['signals']);
      await child.line();
      child.process.kill(signal);
      child.process.kill(signal);
      expect(await child.line()).to.equal(`closed by ${signal}`);
      expect(await child.end()).to.equal(0);
      expect(child.errors.match(/stopping/g)).to.have.length(1);
    });
  }

  it('a program that cannot close logs the reason and exits with 1', async () => {
    const child = new TestProcess('test/fixtures/child-behaviours', ['fails-closing']);
    await child.line();
    expect(await child.kill('SIGTERM')).to.equal(1);
    expect(child.errors).to.contain('stopping failed').and.contain('closing failed');
  });

  for (const [behaviour, logged] of [
    ['crash', 'an uncaught error'],
    ['rejects', 'an unhandled rejection'],
  ] as const) {
    it(`a program that ${behaviour === 'crash' ? 'crashes' : behaviour} logs the error and exits with 70`, async () => {
      const child = new TestProcess('test/fixtures/child-behaviours', [behaviour]);
      expect(await child.end()).to.equal(70);
      expect(child.errors).to.contain(logged);
    });
  }
});
