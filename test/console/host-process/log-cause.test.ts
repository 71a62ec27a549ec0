import { expect } from 'chai';
import { causeInLog } from '../../../console/host-process/log-cause.js';

describe('why a server ended', () => {
  it('is its last error in the log', () => {
    const lines = [
      { level: 'error', message: 'could not start', error: 'old', code: 'NO_SPACE' },
      { level: 'error', message: 'could not start', error: 'port 7390 is taken', code: 'ADDRESS_IN_USE' },
      { level: 'info', message: 'bye' },
    ];
    const log = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(causeInLog(log)).to.deep.equal({ code: 'ADDRESS_IN_USE', message: 'port 7390 is taken' });
  });

  it('is what it wrote when that is no log, its end at least', () => {
    expect(causeInLog('SyntaxError: so\n')).to.deep.equal({
      code: 'START_FAILED',
      message: 'SyntaxError: so',
    });
    expect(causeInLog('x'.repeat(100_000))?.message.length).to.equal(2_000);
  });

  it('is unknown when it wrote nothing', () => {
    expect(causeInLog('\n')).to.equal(undefined);
  });

  it('may carry a code that is none', () => {
    expect(causeInLog('{"level":"error","message":"so","code":"NONSENSE"}')).to.deep.equal({
      code: 'START_FAILED',
      message: 'so',
    });
  });
});
