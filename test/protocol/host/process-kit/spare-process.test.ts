/** A spare process, which waits until a child is needed: with real processes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Child } from '../../../../protocol/host/process-kit/child.js';
import { SpareProcess } from '../../../../protocol/host/process-kit/spare-process.js';
import { eventually } from '../../../kit/eventually.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';
import { compiled, TestProcess } from '../../../kit/test-process.js';

describe('spare process', () => {
  const script = compiled('test/fixtures/child-behaviours');
  let directory: TemporaryDirectory;
  let clock: ManualClock;
  let spare: SpareProcess;
  const children: Child<string>[] = [];

  beforeEach(() => {
    directory = new TemporaryDirectory();
    clock = new ManualClock();
    spare = new SpareProcess({ script, label: 'arguments', clock, log: silent });
  });
  afterEach(async () => {
    await spare.close();
    await Promise.all(children.splice(0).map((child) => child.stop()));
    directory.remove();
  });

  function start(name: string, args: readonly string[] = ['ready']): Child<string> {
    const logFile = directory.file(name);
    const child = new Child<string>({ title: `test ${name}`, script, args, logFile, spare, clock });
    children.push(child);
    return child;
  }
  const log = (name: string): string => readFileSync(directory.file(name), 'utf8');
  const up = (name: string, { launch }: Child<string>): Promise<boolean> =>
    eventually(() => log(name).includes(`up ${launch}`), `${name} is up`);

  it('a child takes the waiting process, with its own arguments, launch token and log', async () => {
    spare.keep();
    const { pid } = spare;
    const child = start('one');
    await up('one', child);
    expect(child.pid).to.equal(pid);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).to.contain('child-behaviours.js ready');
    expect(await child.stop()).to.equal('SIGTERM');
  });

  it('what a child of a waiting process writes before it ends is the reason of its failed start', async () => {
    spare.keep();
    const child = start('one', ['exit', 'port 8000', 'is taken']);
    const reason = await child.ready.catch(String);
    expect(reason).to.contain('exit code 3').and.contain('cannot start: port 8000 is taken');
  });

  it('one process waits at a time, and the next one is started after a child has taken it', async () => {
    spare.keep();
    const { pid } = spare;
    spare.keep();
    expect(spare.pid).to.equal(pid);
    await up('one', start('one'));
    expect(spare.pid).to.equal(undefined);
    clock.advance(100);
    const next = spare.pid;
    expect(next).to.be.a('number').and.not.equal(pid);
    const child = start('two');
    await up('two', child);
    expect(child.pid).to.equal(next);
  });

  it('without a waiting process, or after its death, a child is started as always', async () => {
    await up('one', start('one'));
    spare.keep();
    process.kill(spare.pid ?? 0, 'SIGKILL');
    await eventually(() => spare.pid === undefined, 'the death is noticed');
    await up('two', start('two'));
  });

  it('a waiting process that ends by itself is no obstacle to children', async () => {
    const ending = directory.file('ending.js');
    writeFileSync(ending, '');
    const none = new SpareProcess({ script: ending, label: 'arguments', clock, log: silent });
    none.keep();
    await eventually(() => none.pid === undefined, 'the end is noticed');
    const logFile = directory.file('one');
    const child = new Child<string>({
      title: 'test',
      script,
      args: ['ready'],
      logFile,
      spare: none,
      clock,
    });
    children.push(child);
    await up('one', child);
    await none.close();
  });

  it('a waiting process ends with its parent, also one that is killed', async () => {
    const parent = new TestProcess('test/fixtures/spare-parent', [script]);
    const pid = Number(await parent.line());
    process.kill(pid, 0);
    parent.process.kill('SIGKILL');
    await parent.end();
    await eventually(() => !isThere(pid), 'the waiting process has ended');
  });

  it('none waits any more after close', async () => {
    spare.keep();
    const pid = spare.pid ?? 0;
    await spare.close();
    expect(isThere(pid)).to.equal(false);
    spare.keep();
    expect(spare.pid).to.equal(undefined);
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
