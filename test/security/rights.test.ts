/**
 * Who may do what: a second Unix user that may read an application plays the attacker, and a third
 * without any right. Needs root, which starts programs as these users.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Client, OutputFlow } from '../../client-lib/index.js';
import { compiled } from '../kit/test-process.js';
import { needsRoot } from '../kit/requirements.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';

const APP = 'e1';
const FLOW = 'events';
/** The user nobody; as a member of root's group it may read what belongs to root. */
const READER = { uid: 65_534, gid: 0 };
const OTHER_USER = { uid: 65_534, gid: 65_534 };
const PROGRAM = compiled('test/fixtures/security/greedy-reader');

describe('the rights of users of one machine', () => {
  let system: RealSystem;
  let owner: Client;
  let output: OutputFlow;
  let marker: string;

  before(function () {
    needsRoot(this, 'running a program as another user');
    try {
      execFileSync(process.execPath, ['--check', PROGRAM], { ...OTHER_USER, stdio: 'ignore' });
    } catch {
      skip(this, 'the user nobody cannot read this project; run the tests in a folder that it can read');
    }
  });

  beforeEach(async () => {
    const configuration = (): string => join(system.root, 'mirrorflow.json');
    const hostOptions: string[] = [];
    system = new RealSystem({ hostOptions });
    chmodSync(system.root, 0o755);
    chmodSync(system.flowDirectory, 0o750);
    marker = join(system.root, 'started');
    const programs = { touch: { command: '/usr/bin/touch', args: [marker] } };
    writeFileSync(
      configuration(),
      JSON.stringify({ applications: [{ name: APP, lingerMs: 60_000, programs }, { name: 'idle' }] }),
    );
    hostOptions.push('--config', configuration());
    await system.startHost(APP);
    owner = await system.client(APP, 'owner');
    output = await owner.openOutput(FLOW, { bufferSize: 100, buffers: 4 });
    await output.write(Buffer.from('the first'));
  });

  afterEach(async function () {
    await output?.close();
    await system?.stop(this.currentTest?.state === 'failed');
  });

  function play(user: { readonly uid: number; readonly gid: number }): Promise<Record<string, string>> {
    const env = { ...system.environment, HOME: '/' };
    return new Promise((resolve, reject) => {
      const words = [PROGRAM, system.directory, APP, FLOW];
      execFile(process.execPath, words, { ...user, env, timeout: 60_000 }, (failed, stdout, stderr) => {
        if (stdout === '') reject(new Error(stderr, { cause: failed }));
        else resolve(JSON.parse(stdout) as Record<string, string>);
      });
    });
  }

  it('a reader reads and opens what is configured; it changes, starts, stops and allocates nothing', async () => {
    const server = await system.appServerPid(APP);
    const duplicator = await system.duplicatorPid(owner, FLOW);
    await system.host.stop('idle');
    let asked = false;
    owner.on('quit', () => (asked = true));
    const outcomes = await play(READER);
    const permitted = Object.entries(outcomes).filter(([, code]) => code === 'done');
    expect(permitted.map(([step]) => step)).to.deep.equal(['read a flow', 'start a configured application']);
    const codes = new Set(Object.values(outcomes).filter((code) => code !== 'done'));
    expect([...codes].toSorted(), JSON.stringify(outcomes)).to.deep.equal([
      'EACCES',
      'NOT_PERMITTED',
      'TRANSPORT_ERROR',
    ]);
    expect(Object.keys(outcomes)).to.have.length.above(45);
    expect(existsSync(marker)).to.equal(false);
    expect(asked).to.equal(false);
    expect(await system.appServerPid(APP)).to.equal(server);
    expect(await system.duplicatorPid(owner, FLOW)).to.equal(duplicator);
    expect((await owner.flows()).map(({ flow }) => flow)).to.deep.equal([FLOW]);
    const applications = (await system.host.applications()).map(({ name, state }) => `${name} ${state}`);
    expect(applications).to.deep.equal([`${APP} running`, 'idle running']);
    await output.write(Buffer.from('the owner still provides'));
  });

  it('a user without rights reaches no socket, file or token', async () => {
    const failure = await play(OTHER_USER).then(
      () => 'it reached a socket',
      (error: Error) => error.message,
    );
    expect(failure).to.contain('EACCES');
  });
});
