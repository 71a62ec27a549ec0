/** What `mirrorflow doctor` finds of a host server, its viewer and the other hosts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Finding } from '../../../console/doctor/check.js';
import { makeCertificate } from '../../kit/certificate.js';
import { eventually } from '../../kit/eventually.js';
import { needsRoot } from '../../kit/requirements.js';
import { skip } from '../../kit/skip.js';
import { ConsoleSystem, PROGRAM } from '../system.js';

const NOBODY = 65_534;
const TEST_TIMEOUT_MS = 60_000;

interface TitledFinding extends Finding {
  readonly check: string;
}

describe('mirrorflow doctor', function () {
  this.timeout(TEST_TIMEOUT_MS);
  let systems: ConsoleSystem[];

  beforeEach(() => {
    systems = [];
  });

  afterEach(async () => {
    for (const system of systems) await system.close();
  });

  /** A host server with this configuration. */
  async function started(
    configuration: object,
  ): Promise<{ system: ConsoleSystem; port: number; file: string }> {
    const system = new ConsoleSystem();
    systems.push(system);
    const file = join(system.root, 'lab.json');
    writeFileSync(file, JSON.stringify(configuration));
    const { port } = await system.json<{ port: number }>('host', 'start', '--config', file);
    return { system, port, file };
  }

  function secretFile(system: ConsoleSystem, text: string): string {
    const file = join(system.root, 'lab.secret');
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  function scratch(): ConsoleSystem {
    const system = new ConsoleSystem();
    systems.push(system);
    return system;
  }

  const doctor = async (system: ConsoleSystem): Promise<TitledFinding[]> =>
    JSON.parse((await system.run('doctor', '--json')).stdout) as TitledFinding[];
  const of = (findings: readonly TitledFinding[], title: string): TitledFinding[] =>
    findings.filter(({ check }) => check === title);

  it('the configuration is checked as the host server that runs was started with it', async () => {
    const system = scratch();
    const secret = secretFile(system, 'x'.repeat(32));
    const file = join(system.root, 'lab.json');
    writeFileSync(file, JSON.stringify({ peers: ['tcp://127.0.0.1:9'] }));
    await system.json('host', 'start', '--config', file, '--secret-file', secret);
    const [sound] = of(await doctor(system), 'configuration');
    expect(sound).to.include({ state: 'ok', found: `${file} can be used, with the files that it names` });
    chmodSync(secret, 0o644);
    writeFileSync(file, JSON.stringify({ peers: ['tcp://127.0.0.1:9'], dataPorts: 'x', hostName: '/' }));
    const wrong = of(await doctor(system), 'configuration');
    expect(wrong.map(({ state }) => state)).to.deep.equal(['fail', 'fail', 'fail']);
    const found = wrong.map((finding) => finding.found).join('\n');
    expect(found).to.contain(`${file}: dataPorts is "x"`);
    expect(found).to.contain(`${file}: hostName "/"`);
    expect(found).to.contain('--secret-file').and.contain(`run chmod 640 ${secret}`);
  });

  it('a viewer that answers is named with those who reach it', async () => {
    const { system } = await started({});
    const [finding] = await eventually(async () => {
      const findings = of(await doctor(system), 'viewer');
      return findings[0]?.found === 'it is starting' ? undefined : findings;
    }, 'the viewer serves');
    expect(finding?.found).to.match(/^http:\/\/127\.0\.0\.1:\d+\/, for this machine only$/);
    expect(finding?.state).to.equal('ok');
  });

  it('the certificate of a viewer is reported before it expires', async function () {
    const files = scratch();
    const made = makeCertificate(files.root);
    if (made === undefined) skip(this, 'openssl is not installed');
    const { system } = await started({
      web: 'tls://0.0.0.0:0',
      secretFile: secretFile(files, 'x'.repeat(32)),
      tlsCert: made.cert,
      tlsKey: made.key,
      listen: 'tls://127.0.0.1:0',
    });
    const finding = await eventually(async () => {
      const [found] = of(await doctor(system), 'viewer');
      return found?.found.startsWith('https:') === true ? found : undefined;
    }, 'the viewer serves');
    expect(finding.found).to.match(
      /^https:.*, also for other machines, which sign in with the secret; its certificate expires in less than 2 days$/,
    );
    expect(finding.state).to.equal('warn');
  });

  it('a viewer that cannot start is reported with its cause', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { system } = await started({ web: `tcp://127.0.0.1:${port}` });
    const finding = await eventually(async () => {
      const [found] = of(await doctor(system), 'viewer');
      return found?.state === 'fail' ? found : undefined;
    }, 'the failure is reported');
    taken.close();
    expect(finding.found).to.contain(String(port));
    expect(finding.mend).to.contain('`web` of the configuration');
    expect(of(await doctor(scratch()), 'viewer')[0]?.found).to.equal('no host server runs, and so no viewer');
  });

  it('other hosts are reported with their versions, or with what keeps them away', async () => {
    const secrets = scratch();
    const secret = secretFile(secrets, 'x'.repeat(32));
    const other = join(secrets.root, 'other.secret');
    writeFileSync(other, 'y'.repeat(32), { mode: 0o600 });
    const quiet = { web: 'off' };
    const near = await started({ ...quiet, hostName: 'near', secretFile: secret });
    const strange = await started({ ...quiet, hostName: 'strange', secretFile: other });
    const { system } = await started({
      ...quiet,
      hostName: 'here',
      secretFile: secret,
      peers: [`tcp://127.0.0.1:${near.port}`, `tcp://127.0.0.1:${strange.port}`, 'tcp://127.0.0.1:9'],
    });
    const findings = await eventually(async () => {
      const found = of(await doctor(system), 'other hosts');
      return found.length === 3 ? found : undefined;
    }, 'all three are listed');
    const to = (text: string): TitledFinding | undefined =>
      findings.find(({ found }) => found.includes(text));
    expect(to('near at')).to.include({ state: 'ok' });
    expect(to('near at')?.found).to.match(/is connected, version \d/);
    expect(to(`:${strange.port}`)).to.include({ state: 'fail' });
    expect(to(`:${strange.port}`)?.mend).to.contain('the same secret');
    expect(to('127.0.0.1:9 ')).to.include({ state: 'fail' });
    expect(to('127.0.0.1:9 ')?.mend).to.contain('does its host server run');
  });

  it('a user who may only read is told who can mend what', async function () {
    needsRoot(this, 'running a program as another user');
    try {
      execFileSync(process.execPath, ['--check', PROGRAM], { uid: NOBODY, gid: 0, stdio: 'ignore' });
    } catch {
      skip(this, 'the user nobody cannot read this project');
    }
    const { system, file } = await started({ peers: [] });
    chmodSync(system.root, 0o755);
    await system.run('run', 'e1', '--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9', '--rest', '0');
    const { stdout } = spawnSync(process.execPath, [PROGRAM, 'doctor', '--json'], {
      env: system.environment,
      uid: NOBODY,
      gid: 0,
      encoding: 'utf8',
    });
    const findings = JSON.parse(stdout) as TitledFinding[];
    expect(of(findings, 'configuration')[0]).to.include({
      state: 'ok',
      found: `${file} can be checked by root, the user of the host server`,
    });
    expect(of(findings, 'flow files').filter(({ state }) => state === 'fail')).to.deep.equal([]);
    const atBoot = of(findings, 'flow files')[0]?.mend ?? '';
    expect(atBoot).to.contain('root controls the host server and can mend this');
    for (const { check, mend = '' } of findings) {
      expect(mend, check).to.not.match(/mirrorflow (host|run|stop|install)/);
    }
  });
});
