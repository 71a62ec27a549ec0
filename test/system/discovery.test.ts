/**
 * Hosts that find each other by DNS-SD, without a configured address; each in a network namespace
 * of its own, joined by a network with multicast.
 */
import { expect } from 'chai';
import { HostNetwork } from '../kit/host-network.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';

describe('hosts on a network with multicast', function () {
  this.timeout(180_000);
  let lab: NetworkLab;
  let hosts: HostNetwork;

  before(function () {
    needsLab(this);
  });

  beforeEach(async () => {
    lab = await NetworkLab.make(['a', 'b', 'c']);
    hosts = new HostNetwork(lab);
  });

  afterEach(async function () {
    await hosts.stop(this.currentTest?.state === 'failed');
  });

  /** Starts a host that discovers others, at any port. */
  function start(name: string, secret?: string): Promise<RealSystem> {
    const options = { peers: [], options: ['--discover'], port: 0 };
    return hosts.start(name, secret === undefined ? options : { ...options, secret });
  }

  /** Names of the other hosts that a host lists as connected. */
  const connectedTo = async ({ host }: RealSystem): Promise<string[]> =>
    (await host.network()).flatMap(({ host: name = '', own, connected }) =>
      connected && !own ? [name] : [],
    );

  const untilConnected = (system: RealSystem, name: string): Promise<unknown> =>
    eventually(async () => (await connectedTo(system)).includes(name), `a host is connected to ${name}`);

  it('hosts find each other in any order of their starts and list each other’s applications', async () => {
    const a = await start('a');
    const b = await start('b');
    await untilConnected(a, 'b');
    await untilConnected(b, 'a');
    await a.host.run({ name: 'e1' });
    expect(await b.host.run({ name: 'e1' }, 'a')).to.include({ state: 'running' });
    const c = await start('c');
    for (const [system, name] of [[a, 'c'], [b, 'c'], [c, 'a'], [c, 'b']] as const)
      await untilConnected(system, name); // prettier-ignore
    const entry = (await c.host.network()).find(({ host }) => host === 'a');
    expect(entry?.applications.map(({ name }) => name)).to.deep.equal(['e1']);
    expect(entry?.address).to.contain(lab.host('a').address);
  });

  it('hosts find a host server that was killed and restarted at another port', async () => {
    const a = await start('a');
    const b = await start('b');
    await untilConnected(a, 'b');
    const { pid, port } = await b.host.info();
    process.kill(pid, 'SIGKILL');
    await eventually(async () => !(await connectedTo(a)).includes('b'), 'host a lists the loss of b');
    await b.startHost();
    expect((await b.host.info()).port).to.not.equal(port);
    await untilConnected(a, 'b');
    await untilConnected(b, 'a');
  });

  it('hosts do not connect to a discovered host that has another secret', async () => {
    const a = await start('a');
    const other = await start('b', 'another secret altogether');
    const c = await start('c');
    await untilConnected(a, 'c');
    await eventually(
      () => /refused|secret/.test(a.logs() + c.logs()),
      'a host has tried to connect to the host with another secret',
    );
    expect(await connectedTo(a)).to.deep.equal(['c']);
    expect(await connectedTo(other)).to.deep.equal([]);
  });
});
