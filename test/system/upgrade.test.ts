/**
 * An upgrade: the kept release before this one runs, and its servers are exchanged for those of
 * this release, one by one, while flows and mirrors go on; programs of either release work with
 * servers of either. `npm run keep-release` makes the kept release.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { expect } from 'chai';
import { packageFolder, programPath } from '../../protocol/base/installation.js';
import { eventually } from '../kit/eventually.js';
import { HostNetwork } from '../kit/host-network.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';
import type { TestProcess } from '../kit/test-process.js';
import { gatewayOf, rest } from './gateway-system.js';

const APP = 'e1';
const FLOW = 'events';
const KEPT = join(packageFolder(), 'test', 'upgrade');

interface ConsumerReport {
  readonly next: number;
  readonly wrong?: string;
  readonly published: number;
  readonly spectra: number;
}

describe('an upgrade from the release before', () => {
  let release: string;
  let system: RealSystem | undefined;
  let hosts: HostNetwork | undefined;

  before(() => {
    release = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const kept = readdirSync(KEPT).filter((name) => name.endsWith('.tar.br'));
    expect(kept).to.have.length(1);
    const archive = brotliDecompressSync(readFileSync(join(KEPT, kept[0]!)));
    const folder = join(release, 'mirrorflow');
    mkdirSync(folder);
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    symlinkSync(join(packageFolder(), 'addons'), join(folder, 'addons'));
    release = folder;
  });
  after(() => rmSync(join(release, '..'), { recursive: true }));

  afterEach(async function () {
    const failed = this.currentTest?.state === 'failed';
    await system?.stop(failed);
    await hosts?.stop(failed);
    system = hosts = undefined;
  });

  const oldHostServer = (): string => join(release, 'dist', 'programs', 'host-server.cjs');
  const oldLibrary = (): string => join(release, 'dist', 'library', 'mirrorflow.js');
  const newLibrary = (): string => join(packageFolder(), 'dist', 'library', 'mirrorflow.js');
  const provider = (on: RealSystem, library: string, flow = FLOW): TestProcess =>
    on.program('test/fixtures/upgrade/provider.js', [library, APP, flow]);
  const consumer = (on: RealSystem, library: string, flow = FLOW): TestProcess =>
    on.program('test/fixtures/upgrade/consumer.js', [library, APP, flow]);

  /** The release that a process runs. */
  function releaseOf(pid: number): 'old' | 'new' {
    const [, program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/);
    if (program.startsWith(release + sep)) return 'old';
    expect(program.startsWith(join(packageFolder(), 'dist') + sep), program).to.equal(true);
    return 'new';
  }

  /** Resolves when consumers have had buffers and publications that are newer than this call. */
  async function goesOn(consumers: readonly TestProcess[]): Promise<void> {
    const before = consumers.map((program) => lastReport(program));
    await eventually(() => {
      const now = consumers.map((program) => lastReport(program));
      return now.every((report, index) => {
        const { next = 0, published = 0 } = before[index] ?? {};
        return report !== undefined && report.next > next && report.published > published;
      });
    }, 'all consumers have newer buffers and publications');
    for (const program of consumers) expect(lastReport(program)?.wrong).to.equal(undefined);
  }

  it('servers are exchanged one by one while flows, mirrors and viewers of both releases go on', async () => {
    const host = (system = new RealSystem());
    host.web = ANY_WEB_PORT;
    const source = await host.simulator({ rate: 2_000, intervalMs: 20 });
    host.hostServerProgram = oldHostServer();
    const oldHost = await host.startHost();
    await host.host.run({
      name: APP,
      source: source.address,
      updateIntervalMs: 20,
      gateway: { restPort: 0, mirrorPort: 0 },
    });
    const client = await host.client(APP);
    /** Undefined also while the client reconnects to the next app server. */
    const duplicatorNow = (flow: string): Promise<number | undefined> =>
      host.duplicatorPid(client, flow).catch(() => undefined);
    const oldProvider = provider(host, oldLibrary());
    await oldProvider.line();
    const consumers = [consumer(host, oldLibrary()), consumer(host, newLibrary())];
    await goesOn(consumers);
    const appServer = await host.appServerPid(APP);
    const oldWeb = await eventually(() => viewerOf(oldHost.pid), 'the old viewer runs');
    expect([oldHost.pid, appServer, oldWeb].map(releaseOf)).to.deep.equal(['old', 'old', 'old']);

    oldHost.process.kill('SIGHUP'); // its applications go on
    await eventually(() => oldHost.hasEnded, 'the old host server has ended');
    host.hostServerProgram = programPath('host-server');
    const newHost = await host.startHost();
    expect(releaseOf(newHost.pid)).to.equal('new');
    await eventually(async () => (await host.appServerPid(APP)) === appServer, 'the app server is adopted');
    await goesOn([...consumers, consumer(host, oldLibrary()), consumer(host, newLibrary())]);

    const replaced = async (what: string, old: number, pidNow: () => Promise<number | undefined>) => {
      process.kill(old, 'SIGKILL');
      const next = await eventually(async () => {
        const pid = await pidNow().catch(() => undefined);
        return pid !== undefined && pid !== 0 && pid !== old ? pid : undefined;
      }, `another ${what} runs`);
      expect(releaseOf(next), what).to.equal('new');
      await goesOn(consumers);
    };
    await replaced('app server', appServer, () => host.appServerPid(APP));
    for (const flow of [FLOW, 'spectra']) {
      const old = await eventually(() => duplicatorNow(flow), 'the duplicator runs');
      expect(releaseOf(old)).to.equal('old');
      await replaced(`duplicator of ${flow}`, old, () => duplicatorNow(flow));
    }
    const gateway = await gatewayOf(client);
    expect(releaseOf(gateway.pid)).to.equal('old');
    await replaced('gateway', gateway.pid, async () => (await gatewayOf(client, gateway.pid)).pid);
    const { restPort } = await gatewayOf(client);
    expect((await rest(restPort, 'spectrum/list')).status).to.equal('OK');
    expect(releaseOf(await eventually(() => viewerOf(newHost.pid), 'the viewer runs'))).to.equal('new');

    // All servers are new; programs of the old release come and go as before.
    await goesOn([...consumers, consumer(host, oldLibrary())]);
    oldProvider.process.stdin?.end();
    await eventually(() => oldProvider.hasEnded, 'the old provider has ended');
    const written = Number(oldProvider.output.trim().split('\n').at(-1));
    await eventually(
      () => consumers.every((program) => lastReport(program)?.next === written),
      'consumers have every buffer',
    );
  });

  it('hosts of both releases exchange flows in both directions, and a mirror', async () => {
    hosts = new HostNetwork();
    const a = await hosts.start('a', { program: oldHostServer() });
    const b = await hosts.start('b');
    const source = await a.simulator({ rate: 2_000, intervalMs: 20 });
    await a.host.run({ name: APP, source: source.address, updateIntervalMs: 20 });
    await b.host.run({ name: APP, via: 'a' });
    await hosts.connected(APP);
    for (const program of [provider(a, oldLibrary(), 'east'), provider(b, newLibrary(), 'west')])
      await program.line();
    await goesOn([
      consumer(b, newLibrary(), 'east'),
      consumer(b, oldLibrary(), 'east'),
      consumer(a, oldLibrary(), 'west'),
      consumer(a, newLibrary(), 'west'),
    ]);
  });
});

/** Process id of the web viewer that a host server has started. */
function viewerOf(hostServer: number): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] ?? '';
      const parent = / (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) ./, ''))?.[1];
      return Number(parent) === hostServer && /web(\.cjs|\/main\.js)$/.test(program);
    } catch {
      return false; // it has ended meanwhile
    }
  });
  return found === undefined ? undefined : Number(found);
}

/** The newest whole line that a consumer has printed. */
function lastReport({ output }: TestProcess): ConsumerReport | undefined {
  const line = output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1);
  return line === undefined || line === '' ? undefined : (JSON.parse(line) as ConsumerReport);
}
