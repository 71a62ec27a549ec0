/**
 * A gateway as SpecTcl's viewers see it: updates, REST, faults of its source and of its clients.
 */

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { expect } from 'chai';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import type { GatewayOptions } from '../../protocol/rpc/contract/shapes.js';
import type { Client } from '../../client-lib/index.js';
import type { Simulator, SimulatorOptions } from '../../simulator/simulator.js';
import { MirrorTestClient } from '../simulator/mirror-test-client.js';
import { needsPython } from '../kit/requirements.js';
import { FIXTURES, Viewer, gatewayOf, rest, type GatewayPorts, type SeenUpdate } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

/** Types of updates of SpecTcl's mirror protocol. */
const FULL = 3;
const PARTIAL = 4;

describe('a gateway', function () {
  let system: RealSystem;
  let simulator: Simulator;
  let client: Client;
  let ports: GatewayPorts;
  const viewers: Viewer[] = [];
  const peers: MirrorTestClient[] = [];

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
  });

  afterEach(async function () {
    await Promise.all(viewers.splice(0).map((viewer) => viewer.end()));
    for (const peer of peers.splice(0)) peer.close();
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function start(
    options: Partial<GatewayOptions> = {},
    simulated: SimulatorOptions = {},
    updateIntervalMs = 20,
  ): Promise<void> {
    simulator = await system.simulator({ rate: 0, channelBytes: 2 * 2 ** 20, ...simulated });
    simulator.step(1_000);
    await system.host.run({
      name: 'e1',
      source: simulator.address,
      updateIntervalMs,
      gateway: { restPort: 0, mirrorPort: 0, ...options },
    });
    client = await system.client('e1');
    ports = await gatewayOf(client);
  }

  async function python(restPort: number, mirrorPort: number, connections: number) {
    const { viewer } = await Viewer.start('python3', [
      `${FIXTURES}/cutiepie_like.py`,
      '127.0.0.1',
      String(restPort),
      String(mirrorPort),
      String(connections),
    ]);
    viewers.push(viewer);
    return {
      update: async () => JSON.parse(await viewer.ask('{"do":"update"}')) as SeenUpdate[],
      names: async () => JSON.parse(await viewer.ask('{"do":"names"}')) as string[],
      rest: async (request: string) =>
        JSON.parse(await viewer.ask(JSON.stringify({ do: 'rest', request }))) as unknown,
    };
  }

  async function peer(): Promise<MirrorTestClient> {
    const made = await MirrorTestClient.connect(ports.mirrorPort);
    peers.push(made);
    return made;
  }

  for (const connections of [1, 32]) {
    it(`a gateway sends ${connections} viewers the bytes of the source over one connection to it`, async function () {
      needsPython(this);
      await start();
      const viewers = await python(ports.restPort, ports.mirrorPort, connections);
      const first = await viewers.update();
      expect(simulator.counters.mirrorConnections).to.equal(1);
      const direct = await python(simulator.restPort, simulator.mirrorPort, 1);
      const [atSource] = await direct.update();
      expect(first).to.deep.equal(Array.from({ length: connections }, () => atSource));
      expect(atSource?.kind).to.equal(FULL);

      simulator.step(500);
      const [after] = await direct.update();
      expect(after?.kind).to.equal(PARTIAL);
      const seen = await eventually(async () => {
        const updates = await viewers.update();
        expect(updates.map(({ kind }) => kind)).to.deep.equal(updates.map(() => PARTIAL));
        return updates.every(({ memory }) => memory === after?.memory) ? updates : undefined;
      }, 'the gateway sends the change');
      expect(seen).to.deep.equal(Array.from({ length: connections }, () => after));

      for (const request of [
        'version',
        'shmem/size',
        'spectrum/list',
        'spectrum/list?filter=s*',
        'sbind/list?pattern=*',
        'sbind/list?pattern=t[no]f',
        'gate/list?pattern=*',
        'apply/list?pattern=*',
      ]) {
        expect(await viewers.rest(request), request).to.deep.equal(await direct.rest(request));
      }
    });
  }

  it('viewers with another header get a full update, and no update has channels under a wrong header', async function () {
    needsPython(this);
    await start();
    const viewers = await python(ports.restPort, ports.mirrorPort, 2);
    expect((await viewers.update()).map(({ kind }) => kind)).to.deep.equal([FULL, FULL]);
    expect((await viewers.update()).map(({ kind }) => kind)).to.deep.equal([PARTIAL, PARTIAL]);

    for (const change of ['rename', 'undefine', 'define'] as const) {
      if (change === 'rename') simulator.rename('tof', 'tof.new');
      if (change === 'undefine') simulator.undefine('tof.new');
      if (change === 'define') {
        const axes = [{ parameter: 'p', low: 0, high: 10, bins: 10, unit: '' }];
        simulator.define({ name: 'late', type: 4, axes });
      }
      const direct = await python(simulator.restPort, simulator.mirrorPort, 1);
      const [atSource] = await direct.update();
      expect(atSource).to.include.keys('kind', 'body');
      const seen = await eventually(async () => {
        const updates = await viewers.update();
        return updates.every(({ kind }) => kind === FULL) ? updates : undefined;
      }, `the gateway sends the ${change}`);
      expect(seen.map(({ body }) => body)).to.deep.equal([atSource?.body, atSource?.body]);
      expect(await viewers.names()).to.deep.equal(await direct.names());
      const { detail } = await rest(ports.restPort, 'sbind/list');
      expect(detail).to.deep.equal((await rest(simulator.restPort, 'sbind/list')).detail);
      expect((await viewers.update()).map(({ kind }) => kind)).to.deep.equal([PARTIAL, PARTIAL]);
    }
  });

  it('a gateway without spectra sends one byte of channels, as SpecTcl does', async () => {
    await start({}, { spectra: [], checksum: false });
    const viewer = await peer();
    expect((await viewer.update()).body.byteLength).to.equal(5_600_001);
    expect(await viewer.update()).to.deep.equal({ type: PARTIAL, body: Buffer.from([0]) });
  });

  it('a gateway lists its mirror clients, and the newer of two connections with one key replaces the older', async () => {
    await start();
    const [one, two] = [await peer(), await peer()];
    one.sendShmInfo('XA01');
    two.sendShmInfo('XA02');
    await two.update();
    await one.update();
    const mirrors = [
      { host: 'localhost', shmkey: 'XA01' },
      { host: 'localhost', shmkey: 'XA02' },
    ];
    expect((await rest(ports.restPort, 'mirror')).detail).to.have.deep.members(mirrors);
    expect((await rest(ports.restPort, 'mirror?pattern=x*')).detail).to.deep.equal([]);
    const live = (await rest(ports.restPort, 'mirror/list?clients=local*')).detail as unknown[];
    // The mirror of this host comes first.
    expect(live.slice(1)).to.have.deep.members(
      mirrors.map(({ host, shmkey }) => ({ name: shmkey, size: 2, client: host })),
    );
    const newer = await peer();
    newer.sendShmInfo('XA02');
    expect(await two.closed()).to.have.length(0);
    newer.close();
    await eventually(async () => {
      const left = (await rest(ports.restPort, 'mirror')).detail as unknown[];
      return left.length === 1;
    }, 'the entry of the closed client is removed');
    expect((await one.update()).type).to.equal(PARTIAL);
  });

  for (const [what, bytes] of [
    ['a key of five bytes', Buffer.from('\x0d\0\0\0\x01\0\0\0XA012')],
    ['an unknown type', Buffer.from('\x08\0\0\0\x09\0\0\0')],
    ['a request with a body', Buffer.from('\x09\0\0\0\x02\0\0\0x')],
    ['a message shorter than its header', Buffer.from('\x03\0\0\0\x02\0\0\0')],
    ['HTTP', Buffer.from('GET / HTTP/1.0\r\n\r\n')],
  ] as const) {
    it(`a gateway closes a connection that sends ${what}`, async () => {
      await start();
      const invalid = await peer();
      invalid.send(bytes);
      expect(await invalid.closed()).to.have.length(0);
      expect((await (await peer()).update()).type).to.equal(FULL);
    });
  }

  it('a viewer that does not read does not delay the updates of others', async () => {
    await start({}, { channelBytes: 32 * 2 ** 20, fillers: 100 });
    const [slow, quick] = [await peer(), await peer()];
    slow.pause();
    for (let request = 0; request < 100; request += 1) slow.send(Buffer.from('\x08\0\0\0\x02\0\0\0'));
    let last = (await quick.update()).body;
    for (let round = 0; round < 10; round += 1) {
      simulator.step(1_000);
      await eventually(async () => {
        const { body } = await quick.update();
        const same = body.byteLength === last.byteLength && Buffer.compare(body, last) === 0;
        last = body;
        return !same;
      }, 'the gateway sends the change');
    }
  });

  it('a gateway serves updates without its app server and is adopted by the next one', async () => {
    await start();
    const viewer = await peer();
    const before = (await viewer.update()).body.subarray(5_600_000);
    const { pid } = await client.appInfo();
    process.kill(pid, 'SIGKILL');
    simulator.step(777);
    await eventually(async () => {
      const { body } = await viewer.update();
      return Buffer.compare(before, body) !== 0;
    }, 'the gateway sends an update without an app server');
    await eventually(async () => {
      const info = await client.appInfo().catch(() => undefined);
      return info !== undefined && info.pid !== pid && info.gateway?.state === 'running';
    }, 'another app server runs');
    expect(await gatewayOf(client)).to.deep.equal(ports);
    expect((await viewer.update()).type).to.equal(PARTIAL);
  });

  it('a gateway serves the current data of the source after its duplicator was killed', async () => {
    await start();
    const viewer = await peer();
    await viewer.update();
    const pid = await eventually(() => system.duplicatorPid(client), 'a duplicator runs');
    process.kill(pid, 'SIGKILL');
    simulator.step(777);
    const newPeer = await MirrorTestClient.connect(simulator.mirrorPort);
    peers.push(newPeer);
    const expected = (await newPeer.update()).body.subarray(5_600_000);
    await eventually(async () => {
      const { type, body } = await viewer.update();
      return Buffer.compare(type === FULL ? body.subarray(5_600_000) : body, expected) === 0;
    }, 'the gateway serves the data of the source');
  });

  it('a killed gateway is restarted, and a gateway ends with its application', async () => {
    await start();
    process.kill(ports.pid, 'SIGKILL');
    ports = await gatewayOf(client, ports.pid);
    expect((await (await peer()).update()).type).to.equal(FULL);
    await system.host.stop('e1');
    const refused = await fetch(`http://127.0.0.1:${ports.restPort}/spectcl/version`).catch(() => 'refused');
    expect(refused).to.equal('refused');
  });

  it('a gateway keeps the last data while the source is unreachable and serves new data afterwards', async () => {
    await start();
    const viewer = await peer();
    const before = (await viewer.update()).body;
    simulator.misbehave({ mirror: 'cut' });
    simulator.step(500);
    const { restPort, mirrorPort } = simulator;
    await eventually(() => simulator.counters.mirrorConnections > 1, 'an update was cut');
    await simulator.close();
    const kept = await viewer.update();
    expect(kept.type).to.equal(PARTIAL);
    expect(Buffer.compare(kept.body, before.subarray(5_600_000))).to.equal(0);
    expect((await rest(ports.restPort, 'shmem/size')).detail).to.equal(String(2 * 2 ** 20));
    expect((await rest(ports.restPort, 'gate/list')).http).to.equal(200);
    simulator = await system.simulator({ rate: 0, channelBytes: 2 * 2 ** 20, restPort, mirrorPort });
    simulator.step(2_000);
    const newPeer = await MirrorTestClient.connect(mirrorPort);
    peers.push(newPeer);
    const expected = (await newPeer.update()).body;
    await eventually(async () => {
      const { type, body } = await viewer.update();
      return Buffer.compare(body, type === FULL ? expected : expected.subarray(5_600_000)) === 0;
    }, 'the gateway serves the current data');
  });

  it('a gateway with `advertise` is found by its service names at the port manager', async () => {
    // Free ports for the port manager to assign: bound for a moment, then closed.
    const freePorts: number[] = [];
    for (let service = 0; service < 2; service += 1) {
      const listener = createServer().listen(0, '127.0.0.1');
      await once(listener, 'listening');
      freePorts.push((listener.address() as AddressInfo).port);
      await new Promise((resolve) => listener.close(resolve));
    }
    const services = new Map<string, number>();
    const manager = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        const [word, service = '', user = ''] = chunk.toString().trim().split(' ');
        const port = freePorts[services.size] ?? 0;
        if (word === 'GIMME') {
          services.set(`${service} ${user}`, port);
          socket.write(`OK ${port}\n`);
        } else {
          const lines = [...services].map(([name, at]) => `${at} ${name}\n`);
          socket.write(`OK ${lines.length}\n${lines.join('')}`);
        }
      });
    }).listen(0, '127.0.0.1');
    await once(manager, 'listening');
    const portManagerPort = (manager.address() as AddressInfo).port;
    await start({ advertise: 'Mirrored', portManagerPort });
    const lookUp = (service: string): Promise<number> =>
      lookUpService('127.0.0.1', service, userInfo().username, { port: portManagerPort });
    const restPort = await eventually(
      () => lookUp('Mirrored_REST').catch(() => undefined),
      'REST is advertised',
    );
    const size = await eventually(
      () => rest(restPort, 'shmem/size').catch(() => undefined),
      'REST answers at the advertised port',
    );
    expect(size.detail).to.equal(String(2 * 2 ** 20));
    const mirrorPort = await eventually(
      () => lookUp('Mirrored_MIRROR').catch(() => undefined),
      'the mirror is advertised',
    );
    const viewer = await eventually(
      () => MirrorTestClient.connect(mirrorPort).catch(() => undefined),
      'the mirror service accepts connections',
    );
    peers.push(viewer);
    expect((await viewer.update()).type).to.equal(FULL);
    await system.host.stop('e1');
    manager.close();
  });

  it('app.info has the reason why a gateway whose port is in use does not run', async () => {
    simulator = await system.simulator({ rate: 0 });
    const { restPort } = simulator;
    await system.host.run({ name: 'e1', source: simulator.address, gateway: { restPort, mirrorPort: 0 } });
    client = await system.client('e1');
    const gateway = await eventually(async () => {
      const info = (await client.appInfo()).gateway;
      return info?.cause === undefined ? undefined : info;
    }, 'app.info has a cause');
    expect(gateway.cause).to.match(
      new RegExp(`the REST service of e1 cannot listen on 127.0.0.1 port ${restPort}`),
    );
    expect((await client.getMemory()).length).to.be.greaterThan(5_600_000);
  });
});
