/** Applications of a host server with stand-ins for app servers that behave well or badly. */
import { expect } from 'chai';
import { failureOf } from '../../kit/failure-of.js';
import { isAlive } from '../../../protocol/base/owner-identity.js';
import { HostServerSystem } from '../host-server-system.js';
import { eventually } from '../../kit/eventually.js';

const QUICK = {
  quitTimeoutMs: 20_000,
  stopTimeoutMs: 1_000,
  restart: { maxRestarts: 3, windowMs: 60_000, firstIntervalMs: 5, maxIntervalMs: 20 },
};

function lives(pid: number | undefined): boolean {
  return isAlive({ pid: pid ?? 0, startTicks: 0n });
}

describe('applications of a host server', () => {
  let system: HostServerSystem;
  beforeEach(() => {
    system = new HostServerSystem();
  });
  afterEach(() => system.stop());

  it('host.run refuses programs and access, which come from the configuration file', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const programs = { any: { command: '/bin/sh' } };
    expect((await failureOf(call('host.run', [{ name: 'e1', programs }]))).code).to.equal('NOT_PERMITTED');
    const access = { mode: 'everyone' } as const;
    expect((await failureOf(call('host.run', [{ name: 'e1', access }]))).code).to.equal('NOT_PERMITTED');
  });

  it('host.run answers when the app server is ready, and host.applications lists it', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const info = await call('host.run', [{ name: 'e1', source: 'unix:/data' }]);
    expect(info).to.include({
      name: 'e1',
      state: 'running',
      source: 'unix:/data',
      port: 7,
      restarts: 0,
      configured: false,
      byHand: false,
    });
    expect(info.socket).to.equal(`${system.directory}/apps/e1.read.sock`);
    expect(lives(info.pid)).to.be.true;
    expect(await call('host.applications', [])).to.deep.equal([info]);
  });

  it('concurrent runs of one application start one process', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const infos = await Promise.all(
      Array.from({ length: 8 }, () => call('host.run', [{ name: 'e1', lingerMs: 5 }])),
    );
    expect(new Set(infos.map(({ pid }) => pid)).size).to.equal(1);
    const again = await call('host.run', [{ name: 'e1' }]);
    expect(again.pid).to.equal(infos[0]?.pid);
  });

  it('a second application of one source is refused with the name of the first, until that is stopped', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const source = 'spectcl://127.0.0.1?rest=8000&mirror=8001';
    const alias = 'spectcl://localhost?rest=8000&mirror=8001';
    await call('host.run', [{ name: 'first', source }]);
    const error = await failureOf(call('host.run', [{ name: 'second', source: alias }]));
    expect(error.code).to.equal('REFUSED');
    expect(error.message).to.contain('application first mirrors its source');
    await call('host.stop', ['first']);
    expect((await call('host.run', [{ name: 'second', source: alias }])).state).to.equal('running');
  });

  it('of two applications of one source that are run at one moment exactly one starts', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const source = 'spectcl://127.0.0.1?rest=8000&mirror=8001';
    const outcomes = await Promise.allSettled(
      ['one', 'two'].map((name) => call('host.run', [{ name, source }])),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
  });

  it('a run with other options than the running ones is refused with the difference', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    await call('host.run', [{ name: 'e1', updateIntervalMs: 250 }]);
    const error = await failureOf(call('host.run', [{ name: 'e1', updateIntervalMs: 500 }]));
    expect(error.code).to.equal('APPLICATION_EXISTS');
    expect(error.message).to.contain('updateIntervalMs is 250, asked was 500');
  });

  it('a restart keeps the options that are not changed', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const first = await call('host.run', [{ name: 'e1', updateIntervalMs: 250, lingerMs: 5 }]);
    const second = await call('host.restart', [{ name: 'e1', lingerMs: 7 }]);
    expect(second.state).to.equal('running');
    expect(second.pid).to.not.equal(first.pid);
    expect((await call('host.run', [{ name: 'e1', updateIntervalMs: 250, lingerMs: 7 }])).pid).to.equal(
      second.pid,
    );
    const access = { mode: 'everyone' } as const;
    expect((await failureOf(call('host.restart', [{ name: 'e1', access }]))).code).to.equal('NOT_PERMITTED');
  });

  it('a restart of a stopped application starts it', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    expect((await call('host.restart', [{ name: 'e1', lingerMs: 7 }])).state).to.equal('running');
  });

  it('a stopped application runs again with its last options', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const first = await call('host.run', [{ name: 'e1', source: 'unix:/data' }]);
    await call('host.stop', ['e1']);
    const second = await call('host.run', [{ name: 'e1' }]);
    expect(second).to.include({ state: 'running', source: 'unix:/data' });
    expect(second.pid).not.to.equal(first.pid);
  });

  it('a source that is no address is refused before a process starts', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const error = await failureOf(call('host.run', [{ name: 'e1', source: 'somewhere' }]));
    expect(error.code).to.equal('BAD_ADDRESS');
    expect(await call('host.applications', [])).to.deep.equal([]);
  });

  it("a failed start rejects with the app server's own code and message", async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const error = await failureOf(call('host.run', [{ name: 'fails' }]));
    expect(error.code).to.equal('NO_SPACE');
    expect(error.message).to.equal('the flow directory is full');
    const [info] = await call('host.applications', []);
    expect(info).to.include({ state: 'failed', cause: 'the flow directory is full', restarts: 0 });
    expect((await failureOf(call('host.run', [{ name: 'fails' }]))).code).to.equal('NO_SPACE');
  });

  it('an app server that ends without a report fails with the output in its log', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const error = await failureOf(call('host.run', [{ name: 'silent' }]));
    expect(error.code).to.equal('START_FAILED');
    expect(error.message).to.contain('there is no display memory');
  });

  it('an app server that never reports is stopped after its time', async () => {
    await system.serve({ ...QUICK, readyTimeoutMs: 300, stopTimeoutMs: 50 });
    const call = await system.connect();
    const error = await failureOf(call('host.run', [{ name: 'hangs' }]));
    expect(error.code).to.equal('TIMED_OUT');
    await eventually(() => system.living().length === 0, 'the process has ended');
    const [info] = await call('host.applications', []);
    expect(info).to.include({ state: 'failed' });
  });

  it('a killed app server is restarted', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'e1', source: 'unix:/data' }]);
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      const [info] = await call('host.applications', []);
      return info?.state === 'running' && info.pid !== pid && info.restarts === 1;
    }, 'it runs again');
    const [info] = await call('host.applications', []);
    expect(info).to.include({ source: 'unix:/data' });
    expect(info).not.to.have.property('cause');
  });

  it('an app server that keeps dying is not restarted any more, and starts again on request', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    await call('host.run', [{ name: 'dies' }]).catch(() => undefined);
    await eventually(async () => {
      const [info] = await call('host.applications', []);
      return info?.state === 'failed';
    }, 'the application has failed');
    const [info] = await call('host.applications', []);
    expect(info?.restarts).to.equal(3);
    expect(info?.cause).to.contain('SIGKILL').and.to.contain('ended 4 times');
    await call('host.run', [{ name: 'dies' }]).catch(() => undefined);
    const [again] = await call('host.applications', []);
    expect(again?.restarts).to.be.lessThan(3);
  });

  it('an app server that ends in good order by itself is not restarted', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'e1' }]);
    process.kill(pid ?? 0, 'SIGTERM');
    await eventually(async () => {
      const [info] = await call('host.applications', []);
      return info?.state === 'stopped';
    }, 'it is stopped');
    const [info] = await call('host.applications', []);
    expect(info).to.include({ restarts: 0 }).and.not.to.have.property('pid');
  });

  it('host.stop answers when the process has ended', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'e1' }]);
    const [first, second] = await Promise.all([call('host.stop', ['e1']), call('host.stop', ['e1'])]);
    expect(lives(pid)).to.be.false;
    expect(first).to.include({ state: 'stopped' }).and.not.to.have.property('pid');
    expect(second).to.deep.equal(first);
    expect(await call('host.stop', ['e1'])).to.deep.equal(first);
  });

  it('host.stop kills an app server that ignores SIGTERM, and removes its leftovers', async () => {
    await system.serve({ ...QUICK, quitTimeoutMs: 50, stopTimeoutMs: 50 });
    const call = await system.connect();
    const { pid } = await call('host.run', [{ name: 'deaf' }]);
    await call('host.stop', ['deaf']);
    expect(lives(pid)).to.be.false;
    expect(system.living()).to.deep.equal([]);
  });

  it('host.stop during a start ends the start', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    const start = failureOf(call('host.run', [{ name: 'hangs' }]));
    await eventually(() => system.living().length === 1, 'it has begun');
    const info = await call('host.stop', ['hangs']);
    expect(info.state).to.equal('stopped');
    expect((await start).code).to.equal('STOPPED');
    expect(system.living()).to.deep.equal([]);
  });

  it('an unknown application is refused with the names of the known ones', async () => {
    await system.serve(QUICK, [{ name: 'b' }, { name: 'a' }]);
    const call = await system.connect();
    const error = await failureOf(call('host.stop', ['c']));
    expect(error.code).to.equal('UNKNOWN_APPLICATION');
    expect(error.message).to.contain('known are a, b');
  });

  it('configured applications start by themselves, each independently of the others', async () => {
    const server = await system.serve(QUICK, [{ name: 'fails' }, { name: 'e1', source: 'unix:/data' }]);
    await server.startApplications();
    const call = await system.connect();
    const infos = await call('host.applications', []);
    expect(infos.map(({ name, state, configured }) => [name, state, configured])).to.deep.equal([
      ['e1', 'running', true],
      ['fails', 'failed', true],
    ]);
  });

  it('an unwritable log directory fails the start with its reason', async () => {
    await system.serve(QUICK);
    const call = await system.connect();
    system.blockLogOf('e1');
    const error = await failureOf(call('host.run', [{ name: 'e1' }]));
    expect(error.code).to.equal('START_FAILED');
    expect(error.message).to.contain('EISDIR');
  });
});
