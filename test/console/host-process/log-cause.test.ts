/** Finding in a server's log why it ended at its start. Pure. */
import { expect } from 'chai';
import { causeInLog } from '../../../console/host-process/log-cause.js';

describe("the cause in a server's log", () => {
  it('the cause of a failed start is the last error line of the log', () => {
    const lines = [
      { level: 'error', message: 'could not start', error: 'old', code: 'NO_SPACE' },
      { level: 'error', message: 'could not start', error: 'port 7390 is taken', code: 'ADDRESS_IN_USE' },
      { level: 'info', message: 'bye' },
    ];
    const log = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(causeInLog(log)).to.deep.equal({ code: 'ADDRESS_IN_USE', message: 'port 7390 is taken' });
  });

  it('without an error line the cause is the end of the output', () => {
    expect(causeInLog('SyntaxError: so\n')).to.deep.equal({
      code: 'START_FAILED',
      message: 'SyntaxError: so',
    });
    expect(causeInLog('x'.repeat(100_000))?.message.length).to.equal(2_000);
  });

  it('an empty log gives no cause', () => {
    expect(causeInLog('\n')).to.equal(undefined);
  });

  it('an unknown error code in a log becomes START_FAILED', () => {
    expect(causeInLog('{"level":"error","message":"so","code":"NONSENSE"}')).to.deep.equal({
      code: 'START_FAILED',
      message: 'so',
    });
  });
});
