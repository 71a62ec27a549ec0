/**
 * Adopted processes: real ones, which this process has started behind the back of its supervisor.
 */
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { isAlive } from '../../../../protocol/base/owner-identity.js';
import { AdoptedProcess } from '../../../../protocol/host/process-kit/adopted-process.js';
import { BehavingProcesses } from './behaving-processes.js';

class FakeConnection {
  close: () => void = () => undefined;
  readonly closed = new Promise<void>((resolve) => {
    this.close = resolve;
  });
}

describe('adopted process', () => {
  const processes = new BehavingProcesses();
  afterEach(async () => processes.kill());

  it('the death of an adopted process is noticed after its connection has closed', async () => {
    const { child, identity } = await processes.start('ready');
    const adopted = new AdoptedProcess({ identity, clock: systemClock });
    const connection = new FakeConnection();
    adopted.connected(connection);
    await child.kill();
    connection.close();
    expect(await adopted.exited).to.contain('exit code is not known');
  });

  it('an adopted process that does not connect again in time is stopped', async () => {
    const { child, identity } = await processes.start('signals');
    const adopted = new AdoptedProcess({ identity, clock: systemClock, reconnectWithinMs: 50 });
    const connection = new FakeConnection();
    adopted.connected(connection);
    connection.close();
    expect(await adopted.exited).to.contain('exit code is not known');
    expect(await child.end()).to.equal(0);
  });

  it('an adopted process that connects again in time keeps running', async () => {
    const { identity } = await processes.start('signals');
    const adopted = new AdoptedProcess({ identity, clock: systemClock, reconnectWithinMs: 50 });
    const [first, second] = [new FakeConnection(), new FakeConnection()];
    adopted.connected(first);
    first.close();
    adopted.connected(second);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isAlive(identity)).to.equal(true);
  });

  it('an adopted process that ignores SIGTERM is killed, once for any number of calls', async () => {
    const { child, identity } = await processes.start('stubborn');
    const adopted = new AdoptedProcess({ identity, clock: systemClock, stopTimeoutMs: 60 });
    await Promise.all([adopted.stop(), adopted.stop()]);
    expect(await adopted.exited).to.contain('exit code is not known');
    expect(await child.end()).to.equal('SIGKILL');
  });
});
