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
import { ConsoleSystem } from '../system.js';

interface Told extends Finding {
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

  async function doctor(...words: string[]): Promise<Told[]> {
    return JSON.parse((await system.run('doctor', '--json', ...words)).stdout) as Told[];
  }

  it('doctor: says what to do when nothing runs, and that a SpecTcl does not answer', async () => {
    const told = await doctor('--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9');
    expect(told.find(({ check }) => check === 'host server')).to.include({ state: 'warn' });
    expect(told.find(({ check }) => check === 'SpecTcl')?.found).to.match(
      /127\.0\.0\.1:9.* cannot be reached/,
    );
    for (const { state, mend } of told) expect(mend === undefined, state).to.equal(state === 'ok');
    expect((await system.run('doctor', '--spectcl', 'spectcl://127.0.0.1?rest=9&mirror=9')).exit).to.equal(1);
  });

  it('gateway: opens ports, tells them, and the doctor finds all well', async () => {
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
    const told = await doctor();
    expect(told.filter(({ state }) => state === 'fail')).to.deep.equal([]);
    expect(told.find(({ check }) => check === 'SpecTcl')?.found).to.match(/^SpecTcl 5\.13-12 at spectcl:/);
    expect(told.find(({ check }) => check === 'gateways')?.found).to.contain(`REST ${opened.restPort}`);
  });

  it('gateway: refuses half of it, and says why one could not be opened', async () => {
    expect((await system.run('gateway', 'e1', '--rest', '0')).exit).to.equal(2);
    expect((await system.run('gateway', 'e1', '--rest', 'x', '--mirror', '1')).exit).to.equal(2);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const taken = await system.run('gateway', 'e1', '--rest', String(port), '--mirror', '0');
    expect(taken.exit).to.equal(3);
    expect(taken.stderr).to.match(new RegExp(`cannot listen on 127.0.0.1 port ${port}`));
    const told = await doctor();
    expect(told.find(({ check }) => check === 'gateways')).to.include({ state: 'fail' });
    other.close();
  });

  it('doctor: judges the secret by who can read it, and how long it is', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    const file = join(scratch, 'secret');
    const patient = (path: string) => ({
      env: { MIRRORFLOW_SECRET_FILE: path },
      uid: 0,
      directory: undefined,
      spectcl: undefined,
      signal: new AbortController().signal,
    });
    const judged = async (path: string) => (await machine.secret.run(patient(path))) as Finding;
    expect(await judged('')).to.deep.equal(
      ok('MIRRORFLOW_SECRET_FILE names none; a host server that is given none stays on this machine'),
    );
    expect((await judged(file)).state).to.equal('fail');
    writeFileSync(file, 'short\n', { mode: 0o600 });
    expect((await judged(file)).found).to.contain('has 5 characters');
    writeFileSync(file, `${'0123456789'.repeat(4)}\n`);
    expect((await judged(file)).state).to.equal('ok');
    chmodSync(file, 0o644);
    expect(await judged(file)).to.deep.equal(
      fail(`${file} can be read by everybody (mode 644)`, `chmod 600 ${file}`),
    );
    rmSync(scratch, { recursive: true });
  });
});
