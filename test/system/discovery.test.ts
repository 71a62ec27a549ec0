/**
 * Hosts that find each other by DNS-SD, without being told an address; each in a network namespace
 * of its own, joined by a network with multicast.
 */
import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';
import { killHard } from './whole-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

describe('hosts on a network with multicast', function () {
  this.timeout(180_000);
  let lab: NetworkLab;
  let directory: string;
  const systems: RealSystem[] = [];

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    lab = await NetworkLab.make(['a', 'b', 'c']);
  });

  afterEach(async function () {
    const failed = this.currentTest?.state === 'failed';
    const ends = await Promise.allSettled(systems.splice(0).map((system) => system.stop(failed)));
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });

  /** A host that looks for others. `port`: 0 for any. */
  function host(name: string, secret = 'the secret of the laboratory'): RealSystem {
    const secretFile = join(directory, `secret-${name}`);
    writeFileSync(secretFile, secret, { mode: 0o600 });
    const system = new RealSystem({
      command: (program, args) => lab.on(name, program, args),
      hostOptions: [
        '--listen', `tcp://${lab.host(name).address}:0`, '--host-name', name, '--secret-file', secretFile, '--discover',
      ], // prettier-ignore
    });
    systems.push(system);
    return system;
  }

  const seenBy = async ({ host: one }: RealSystem): Promise<string[]> =>
    (await one.network()).flatMap(({ host: name = '', own, connected }) => (connected && !own ? [name] : []));

  const meet = (one: RealSystem, name: string): Promise<unknown> =>
    eventually(async () => (await seenBy(one)).includes(name), `a host sees ${name}`);

  it('find each other whoever comes first, and share what runs there', async () => {
    const a = host('a');
    await a.startHost();
    const b = host('b');
    await b.startHost();
    await meet(a, 'b');
    await meet(b, 'a');
    await a.host.run({ name: 'e1' });
    expect(await b.host.run({ name: 'e1' }, 'a')).to.include({ state: 'running' });
    const c = host('c');
    await c.startHost();
    for (const [one, name] of [[a, 'c'], [b, 'c'], [c, 'a'], [c, 'b']] as const) await meet(one, name); // prettier-ignore
    const there = (await c.host.network()).find(({ host: name }) => name === 'a');
    expect(there?.applications.map(({ name }) => name)).to.deep.equal(['e1']);
    expect(there?.address).to.contain(lab.host('a').address);
  });

  it('find one again that was killed and is back at another port', async () => {
    const a = host('a');
    await a.startHost();
    const b = host('b');
    const server: ChildProcess = await b.startHost();
    await meet(a, 'b');
    const { port } = await b.host.info();
    await killHard(server);
    await eventually(async () => !(await seenBy(a)).includes('b'), 'the loss is seen');
    await b.startHost();
    expect((await b.host.info()).port).to.not.equal(port);
    await meet(a, 'b');
    await meet(b, 'a');
  });

  it('have nothing to do with one that they found and that does not know the secret', async () => {
    const a = host('a');
    await a.startHost();
    const stranger = host('b', 'another secret altogether');
    await stranger.startHost();
    const c = host('c');
    await c.startHost();
    await meet(a, 'c');
    await eventually(() => /refused|secret/.test(a.logs() + c.logs()), 'the stranger was tried');
    expect(await seenBy(a)).to.deep.equal(['c']);
    expect(await seenBy(stranger)).to.deep.equal([]);
  });
});
