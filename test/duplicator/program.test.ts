/** The duplicator as a process: its start, files, ends, and several of them for one flow. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { DuplicatorReady, DuplicatorReport, StartFailure } from '../../protocol/rpc/contract/shapes.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { appTokenPath } from '../../protocol/base/paths.js';
import { ensureToken } from '../../protocol/rpc/security/token-file.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';
import type { DuplicatorDocument } from '../../protocol/rpc/contract/duplicator-options.js';
import { LAUNCH_VARIABLE } from '../../protocol/host/process-kit/child.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { SessionServer } from '../../protocol/rpc/xml-rpc/session-server.js';
import { FlowRig } from './flow-rig.js';
import { TestProcess } from '../kit/test-process.js';
import { eventually } from '../kit/eventually.js';
import { silent } from '../kit/silent-log.js';

/** The part of an app server that a duplicator calls. */
class FakeAppServer {
  /** Tokens that duplicators have proved. */
  readonly proved: string[] = [];
  readonly ready: DuplicatorReady[] = [];
  readonly reports: DuplicatorReport[] = [];
  readonly failures: StartFailure[] = [];
  mayEnd = true;
  asked = 0;
  readonly #server: SessionServer;

  constructor() {
    const dispatcher = new Dispatcher<MirrorflowContract, undefined>(
      CONTRACT,
      {
        'child.prove': ([token]) => {
          this.proved.push(token);
          return true;
        },
        'duplicator.subscribe': ([ready]) => {
          this.ready.push(ready);
          return { adopted: false };
        },
        'duplicator.report': ([report]) => {
          this.reports.push(report);
          return true;
        },
        'duplicator.release': () => {
          this.asked += 1;
          return this.mayEnd;
        },
        'child.failed': ([failure]) => {
          this.failures.push(failure);
          return true;
        },
      },
      { log: silent, granted: () => 'child' },
    );
    this.#server = new SessionServer({ dispatcher, context: () => undefined, log: silent });
  }

  async listen(path: string): Promise<void> {
    await this.#server.listen({ path });
  }

  async quit(): Promise<boolean> {
    const [session] = this.#server.sessions;
    return callerOf(CONTRACT, session!)('duplicator.quit', []);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }
}

type Settings = Partial<DuplicatorDocument>;

describe('the duplicator program', () => {
  let rig: FlowRig;
  const running: TestProcess[] = [];
  const servers: FakeAppServer[] = [];
  beforeEach(async () => {
    rig = await FlowRig.make();
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.kill()));
    await Promise.all(servers.splice(0).map((one) => one.close()));
    await rig.close();
  });

  function run(
    settings: Settings = {},
    env: NodeJS.ProcessEnv = {},
    more: readonly string[] = [],
  ): TestProcess {
    const one = new TestProcess('duplicator/main', [...rig.args(settings), ...more], {
      MIRRORFLOW_LOG_FORMAT: 'json',
      ...env,
    });
    running.push(one);
    return one;
  }
  const ready = (one: TestProcess): Promise<void> => one.ready();
  const files = (): string[] => [
    join(rig.flows, 'test', 'spectra.flow'),
    join(rig.flows, 'test', 'spectra.image'),
    join(rig.runtime, 'links', 'test@spectra.sock'),
  ];
  async function appServer(): Promise<FakeAppServer> {
    const server = new FakeAppServer();
    servers.push(server);
    mkdirSync(join(rig.runtime, 'apps'), { recursive: true });
    ensureToken(appTokenPath(rig.runtime, 'test', 'child'), () => undefined);
    await server.listen(join(rig.directory, 'app.sock'));
    return server;
  }
  const parent = (): Settings => ({ parent: join(rig.directory, 'app.sock') });

  it('a duplicator that is started by hand removes all its files on SIGTERM', async () => {
    const one = run();
    await ready(one);
    expect(files().map((path) => existsSync(path))).to.deep.equal([true, true, true]);
    expect(openFlowFile(files()[0]!, 'read').owner.pid).to.equal(one.pid);
    expect(await one.kill('SIGTERM')).to.equal(0);
    expect(files().map((path) => existsSync(path))).to.deep.equal([false, false, false]);
  });

  it('a killed duplicator leaves its files, which the next one owns', async () => {
    const one = run();
    await ready(one);
    await one.kill();
    expect(files().map((path) => existsSync(path))).to.deep.equal([true, true, true]);
    const next = run();
    await ready(next);
    expect(openFlowFile(files()[0]!, 'read').owner.pid).to.equal(next.pid);
  });

  it('a second duplicator of a flow ends, and the first continues', async () => {
    const first = run();
    await ready(first);
    const second = run();
    expect(await second.end()).to.equal(1);
    expect(second.errors).to.contain(`belongs to the running process ${first.pid}`);
    const file = openFlowFile(files()[0]!, 'read');
    await eventually(() => {
      rig.simulator.step(10);
      return file.published >= 3;
    }, 'publications of the first');
    expect(files().map((path) => existsSync(path))).to.deep.equal([true, true, true]);
  });

  it('a duplicator that is stopped before it is ready removes its files', async () => {
    rig.simulator.misbehave({ mirror: 'stall' });
    const one = run({ startTimeoutMs: 60_000 });
    await eventually(() => existsSync(files()[2]!), 'the socket');
    expect(await one.kill('SIGTERM')).to.equal(0);
    expect(files().map((path) => existsSync(path))).to.deep.equal([false, false, false]);
  });

  it('a duplicator ends after its linger time without a client', async () => {
    const one = run({ lingerMs: 50 });
    expect(await one.end()).to.equal(0);
    expect(one.errors).to.contain('ending: no client for the linger time');
    expect(files().map((path) => existsSync(path))).to.deep.equal([false, false, false]);
  });

  for (const [bad, reason] of [
    [['--options', '{"application":"e1","lingerMs":"soon"}'], 'options.lingerMs must be'],
    [['--options', '{"application":""}'], 'is not a name of a application'],
    [['--nonsense'], '--nonsense'],
  ] as const) {
    it(`a duplicator with the options ${bad.join(' ')} exits with 2 and the reason`, async () => {
      const one = run({}, {}, bad);
      expect(await one.end()).to.equal(2);
      expect(one.errors)
        .to.contain(reason)
        .and.match(/^duplicator: .*--help.*\n$/);
    });
  }

  it('a duplicator reports readiness and state to its app server, and quits on request', async () => {
    const server = await appServer();
    const one = run(parent(), { [LAUNCH_VARIABLE]: 'token' });
    await eventually(() => server.reports.length > 0, 'the first report');
    const [announced] = server.ready;
    expect(announced).to.deep.include({
      launch: 'token',
      application: 'test',
      flow: 'spectra',
      type: 'spectra',
    });
    expect([announced?.file, announced?.image, announced?.link]).to.deep.equal(files());
    expect([announced?.identity.pid, announced?.identity.bootId]).to.deep.equal([
      one.pid,
      ownIdentity().bootId,
    ]);
    rig.simulator.misbehave({ mirror: 'garbage' });
    await eventually(() => server.reports.at(-1)?.sourceState === 'stale', 'the stale report');
    expect(server.reports.at(-1)?.cause).to.contain('impossible update');
    rig.simulator.misbehave({ mirror: 'none' });
    await eventually(() => server.reports.at(-1)?.sourceState === 'live', 'the live report');
    expect(server.reports.at(-1)).to.not.have.property('cause');
    expect(await server.quit()).to.equal(true);
    expect(await one.end()).to.equal(0);
    expect(files().map((path) => existsSync(path))).to.deep.equal([false, false, false]);
  });

  it('a duplicator reports to its app server why it could not start', async () => {
    const server = await appServer();
    rig.simulator.misbehave({ rest: 'html' });
    const one = run(parent(), { [LAUNCH_VARIABLE]: 'token' });
    expect(await one.end()).to.equal(1);
    expect(server.failures).to.have.length(1);
    expect(server.failures[0]).to.deep.include({ launch: 'token', code: 'SOURCE_PROTOCOL' });
    expect(server.failures[0]?.message).to.contain('did not answer as a SpecTcl REST service');
  });

  it('a duplicator continues without its app server and reconnects to a restarted one', async () => {
    const server = await appServer();
    const one = run(parent());
    await eventually(() => server.reports.length > 0, 'the first app server');
    await server.close();
    await one.until(() => one.errors.includes('lost the app server'));
    const file = openFlowFile(files()[0]!, 'read');
    const { published } = file;
    await eventually(() => {
      rig.simulator.step(10);
      return file.published > published + 1;
    }, 'publications meanwhile');
    const next = await appServer();
    await eventually(() => next.reports.length > 0, 'the restarted app server');
    expect(next.ready[0]?.identity.pid).to.equal(one.pid);
  });

  it('a duplicator asks its app server before it ends, and stays when a client is on its way', async () => {
    const server = await appServer();
    server.mayEnd = false;
    const one = run({ ...parent(), lingerMs: 50 });
    await eventually(() => server.asked >= 2, 'the second question');
    server.mayEnd = true;
    expect(await one.end()).to.equal(0);
  });
});
