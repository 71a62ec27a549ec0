/** The gateway's command, and the doctor. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Simulator } from '../../../simulator/simulator.js';
import { fail, ok, type Finding } from '../../../console/doctor/check.js';
import * as machine from '../../../console/doctor/machine.js';
import { MirrorTestClient } from '../../simulator/mirror-test-client.js';
import { ConsoleSystem } from '../system.js';

interface TitledFinding extends Finding {
  readonly check: string;
}

describe('the gateway command and the doctor', () => {
  let system: ConsoleSystem;
  let simulator: Simulator;

  before(async () => {
    system = new ConsoleSystem();
    simulator = await system.simulator();
  });

  after(async () => {
    await system.close();
  });

  async function doctor(...words: string[]): Promise<TitledFinding[]> {
    return JSON.parse((await system.run('doctor', '--json', ...words)).stdout) as TitledFinding[];
  }

  it('doctor: names the remedy when nothing runs and reports a SpecTcl that does not answer', async () => {
    const findings = await doctor('--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9');
    expect(findings.find(({ check }) => check === 'host server')).to.include({ state: 'warn' });
    expect(findings.find(({ check }) => check === 'SpecTcl')?.found).to.match(
      /127\.0\.0\.1:9.* cannot be reached/,
    );
    for (const { state, mend } of findings) expect(mend === undefined, state).to.equal(state === 'ok');
    expect((await system.run('doctor', '--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9')).exit).to.equal(1);
  });

  it('gateway: opens ports and shows them, and doctor finds no failure', async () => {
    await system.json('host', 'start');
    const opened = await system.json<{ restPort: number }>(
      'gateway',
      'e1',
      '--spectcl',
      simulator.address,
      '--rest',
      '0',
      '--mirror',
      '0',
    );
    const reply = await fetch(`http://127.0.0.1:${opened.restPort}/spectcl/version`);
    expect(await reply.json()).to.deep.equal({
      status: 'OK',
      detail: { major: 5, minor: 13, editlevel: 12 },
    });
    expect(await system.json('gateway')).to.deep.equal(opened);
    const findings = await doctor();
    expect(findings.filter(({ state }) => state === 'fail')).to.deep.equal([]);
    expect(findings.find(({ check }) => check === 'SpecTcl')?.found).to.match(
      /^SpecTcl 5\.13-12 at spectcl:/,
    );
    expect(findings.find(({ check }) => check === 'gateways')?.found).to.contain(`REST ${opened.restPort}`);
  });

  it('gateway check: finds no answer of the gateway worse than that of SpecTcl', async () => {
    const checked = await system.run('gateway', 'check', 'e1', '--json');
    const rows = JSON.parse(checked.stdout) as { request: string; result: string }[];
    const bad = rows.filter(({ result }) => result === 'worse' || result === 'different');
    expect(bad).to.deep.equal([]);
    expect(checked.exit).to.equal(0);
    const results = new Map(rows.map(({ request, result }) => [request, result]));
    expect(results.get('gate/list?pattern=*')).to.equal('same');
    expect(results.get('mirror service: REQUEST_UPDATE')).to.equal('same');
    expect((await system.run('gateway', 'check', 'e1')).stdout).to.match(/request +SpecTcl +ms +gateway/);
  });

  it('mirrors: lists the mirrors that SpecTcl and the gateway know', async () => {
    const { mirrorPort } = await system.json<{ mirrorPort: number }>('gateway', 'e1');
    const [atSource, atGateway] = await Promise.all(
      [simulator.mirrorPort, mirrorPort].map((port) => MirrorTestClient.connect(port)),
    );
    atSource?.sendShmInfo('XA01');
    atGateway?.sendShmInfo('XA02');
    await Promise.all([atSource?.update(), atGateway?.update()]);
    const mirrors = await system.json<{ at: string; key: string }[]>('mirrors');
    expect(mirrors.filter(({ key }) => key === 'XA01').map(({ at }) => at)).to.deep.equal(['spectcl']);
    expect(mirrors.filter(({ key }) => key === 'XA02').map(({ at }) => at)).to.deep.equal(['gateway']);
    expect(mirrors.filter(({ key }) => key.startsWith('file:'))).to.have.length(1);
    expect((await system.run('mirrors')).stdout).to.match(/e1 +SpecTcl +localhost +XA01/);
    atSource?.close();
    atGateway?.close();
  });

  it('gateway: --key takes the memory key, and a malformed one is refused', async () => {
    const refused = await system.run('gateway', 'e1', '--rest', '0', '--mirror', '0', '--key', 'XA012');
    expect(refused.exit).to.equal(2);
    expect(refused.stderr).to.match(/--key is "XA012"; it must be 4/);
  });

  it('doctor: does not examine the SpecTcl of a stopped application', async () => {
    await system.json('run', 'e2', '--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9');
    expect((await doctor()).some(({ state, check }) => state === 'fail' && check === 'SpecTcl')).to.equal(
      true,
    );
    await system.run('stop', 'e2');
    expect((await doctor()).filter(({ state }) => state === 'fail')).to.deep.equal([]);
  });

  it('gateway: refuses one port alone and reports why a port could not be opened', async () => {
    expect((await system.run('gateway', 'e1', '--rest', '0')).exit).to.equal(2);
    expect((await system.run('gateway', 'e1', '--rest', 'x', '--mirror', '1')).exit).to.equal(2);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = await system.run('gateway', 'e1', '--rest', String(port), '--mirror', '0');
    expect(taken.exit).to.equal(3);
    expect(taken.stderr).to.match(new RegExp(`cannot listen on 127.0.0.1 port ${port}`));
    const findings = await doctor();
    expect(findings.find(({ check }) => check === 'gateways')).to.include({ state: 'fail' });
    other.close();
  });

  it('doctor: checks the permissions and the length of the secret', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const file = join(scratch, 'secret');
    const contextOf = (path: string) => ({
      env: { MIRRORFLOW_SECRET_FILE: path },
      uid: 0,
      directory: undefined,
      spectcl: undefined,
      signal: new AbortController().signal,
      controller: undefined,
    });
    const findingFor = async (path: string) => (await machine.secret.run(contextOf(path))) as Finding;
    expect(await findingFor('')).to.deep.equal(
      ok('MIRRORFLOW_SECRET_FILE is not set here; that of the host server is checked with its configuration'),
    );
    expect((await findingFor(file)).state).to.equal('fail');
    writeFileSync(file, 'short\n', { mode: 0o600 });
    expect((await findingFor(file)).found).to.contain('has 5 characters');
    writeFileSync(file, `${'0123456789'.repeat(4)}\n`);
    expect((await findingFor(file)).state).to.equal('ok');
    chmodSync(file, 0o644);
    expect(await findingFor(file)).to.deep.equal(
      fail(`${file} is readable for all users (mode 644)`, `chmod 600 ${file}`),
    );
    rmSync(scratch, { recursive: true });
  });
});
