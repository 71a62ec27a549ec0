/** A child process from start to end, with real processes that behave well or badly. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { MirrorflowError } from '../../../../protocol/base/errors.js';
import { systemClock } from '../../../../protocol/base/clock.js';
import { isAlive, ownIdentity } from '../../../../protocol/base/owner-identity.js';
import { Child, type ChildSpec } from '../../../../protocol/host/process-kit/child.js';
import { rejection } from '../../rpc/xml-rpc/outcome.js';
import { compiled } from '../../../kit/test-process.js';
import { eventually } from '../../../kit/eventually.js';

describe('child process', () => {
  let directory: string;
  const children: Child<string>[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
    rmSync(directory, { recursive: true, force: true });
  });

  function start(args: readonly string[], change: Partial<ChildSpec> = {}): Child<string> {
    const child = new Child<string>({
      title: 'duplicator e23001/spectra',
      script: compiled('test/fixtures/child-behaviours'),
      args,
      logFile: join(directory, 'log'),
      clock: systemClock,
      ...change,
    });
    children.push(child);
    return child;
  }
  const log = (): string => readFileSync(join(directory, 'log'), 'utf8');
  const up = (child: Child<string>): Promise<boolean> =>
    eventually(() => log().includes(`up ${child.launch}`), 'the child is up');

  it('a child is ready by its own message and stopped at the request of its parent', async () => {
    const child = start(['ready']);
    await up(child);
    child.reportReady('here');
    expect(await child.ready).to.equal('here');
    child.reportReady('again');
    expect(await child.ready).to.equal('here');
    const [one, other] = await Promise.all([child.stop(), child.stop()]);
    expect([one, other, await child.stop()]).to.deep.equal(['SIGTERM', 'SIGTERM', 'SIGTERM']);
    expect(isAlive({ ...ownIdentity(), pid: child.pid!, startTicks: 0n })).to.equal(false);
  });

  it('a child has an unguessable launch token and a log that other users cannot read', async () => {
    const [one, other] = [start(['ready']), start(['ready'])];
    expect(one.launch)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(other.launch);
    expect(statSync(join(directory, 'log')).mode & 0o007).to.equal(0);
  });

  it('a child that ends before it is ready fails to start with its log output as the reason', async () => {
    await up(start(['ready'])); // its lines in the same log are not the next one's
    const child = start(['exit', 'port 8000', 'is taken']);
    expect(await child.exited).to.equal('exit code 3');
    const cause = await rejection(child.ready);
    expect(cause.code).to.equal('START_FAILED');
    expect(cause.message).to.contain('duplicator e23001/spectra').and.contain('exit code 3');
    expect(cause.message).to.contain('cannot start: port 8000 is taken').and.not.contain('up ');
  });

  it('a child that reports why it cannot start fails with its own code', async () => {
    const child = start(['ready']);
    await up(child);
    child.failed(new MirrorflowError('SOURCE_UNREACHABLE', 'nothing listens on port 8000', { port: 8000 }));
    child.failed(new MirrorflowError('SYSTEM_ERROR', 'a second reason'));
    const { code, facts } = await rejection(child.ready);
    expect([code, facts]).to.deep.equal(['SOURCE_UNREACHABLE', { port: 8000 }]);
  });

  it('a child that is not ready in time is stopped and fails to start', async () => {
    const child = start(['ready'], { readyTimeoutMs: 1 });
    expect((await rejection(child.ready)).code).to.equal('TIMED_OUT');
    expect(await child.exited).to.equal('SIGTERM');
  });

  it('a child that is stopped before it is ready fails to start with STOPPED', async () => {
    const child = start(['ready']);
    await child.stop();
    child.reportReady('too late');
    expect((await rejection(child.ready)).code).to.equal('STOPPED');
  });

  it('a child that ignores SIGTERM is killed', async () => {
    const child = start(['stubborn'], { stopTimeoutMs: 50 });
    await up(child);
    child.reportReady('here');
    expect(await child.stop()).to.equal('SIGKILL');
  });

  it('a child that ends after it was ready has died', async () => {
    const child = start(['dies']);
    child.reportReady('here');
    expect(await child.exited).to.equal('exit code 7');
    expect(await child.ready).to.equal('here');
  });

  it('a child whose program does not exist fails to start', async () => {
    const { message } = await rejection(start([], { script: join(directory, 'none.js') }).ready);
    expect(message).to.contain('Cannot find module');
  });

  it('a child whose folder of logs was removed makes it again', async () => {
    const logFile = join(directory, 'logs', 'log');
    const child = start(['ready'], { logFile });
    await eventually(() => readFileSync(logFile, 'utf8').includes('up'), 'the child is up');
    expect(statSync(join(directory, 'logs')).mode & 0o007).to.equal(0);
    await child.stop();
  });

  it('a child whose log cannot be written is not started', () => {
    expect(() => start(['ready'], { logFile: join(directory, 'no', 'no', 'log') })).to.throw('its log');
  });
});
