/** getSpecTclMemory of the client library against SpecTcl, a gateway, and defective services. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { MIRROR_ERRORS, MirrorflowError, SpectraView, getSpecTclMemory } from '../../client-lib/index.js';
import type { SpecTclMemory } from '../../client-lib/index.js';
import type { Simulator } from '../../simulator/simulator.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { createSegment, removeSegment, type Segment } from '../../protocol/spectcl/sysv/segment.js';
import { skip } from '../kit/skip.js';
import { gatewayOf } from './gateway-system.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

/** The memory key that the simulator reports over REST. */
const SIMULATOR_KEY = 'XAff';

/** A REST service that reports the size of its memory and fails for every other request. */
function restWithoutMirrors(): Promise<Server> {
  const server = createServer((request, response) => {
    const isSize = request.url?.endsWith('/shmem/size') === true;
    response.writeHead(isSize ? 200 : 500, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: isSize ? 'OK' : 'broken', detail: isSize ? '1048576' : '' }));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function needsSharedMemory(context: Mocha.Context): void {
  const library = sysvLibrary();
  if (library.kind === 'missing') skip(context, library.reason);
}

describe('getSpecTclMemory', function () {
  let system: RealSystem;
  let simulator: Simulator;
  const got: SpecTclMemory[] = [];
  let segment: Segment | undefined;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
    simulator = await system.simulator({ rate: 0, channelBytes: 2 ** 21 });
    simulator.step(1_000);
  });

  afterEach(async function () {
    await Promise.all(got.splice(0).map((memory) => memory.unmap()));
    segment?.detach();
    if (segment !== undefined) removeSegment(segment.key, process.pid);
    segment = undefined;
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function get(host: string, rest: number | string, mirror: number | string, user?: string) {
    const memory = await getSpecTclMemory(host, rest, mirror, user, { directory: system.directory });
    got.push(memory);
    return memory;
  }

  async function failure(work: Promise<unknown>): Promise<string> {
    try {
      await work;
      return 'none';
    } catch (error) {
      if (!(error instanceof MirrorflowError)) throw error;
      const name = String(error.facts['mirrorError']) as keyof typeof MIRROR_ERRORS;
      expect(error.facts['mirrorCode']).to.equal(MIRROR_ERRORS[name]);
      return name;
    }
  }

  const sum = (): number => new SpectraView(simulator.memory).get('tof').sum;

  function ownSegment(content: Uint8Array): void {
    segment = createSegment([SIMULATOR_KEY], content.byteLength + 8_192, 0o600, () => undefined);
    segment.memory.set(content);
  }

  it('getSpecTclMemory mirrors a SpecTcl whose memory cannot be attached, once for all callers', async () => {
    const [one, two] = await Promise.all([
      get('127.0.0.1', simulator.restPort, simulator.mirrorPort),
      get('127.0.0.1', String(simulator.restPort), String(simulator.mirrorPort)),
    ]);
    for (const memory of [one, two]) {
      expect(memory).to.include({ kind: 'mirror', isMirroring: true });
      expect(memory.spectra.get('tof').sum).to.equal(sum());
    }
    simulator.step(300);
    await eventually(() => one.spectra.get('tof').sum === sum(), 'the memory has the new sum');
    expect(simulator.counters.mirrorConnections).to.equal(1);
    await one.unmap();
    expect(two.isMirroring).to.equal(true);
  });

  it("getSpecTclMemory attaches a local SpecTcl's own memory by its key", async function () {
    needsSharedMemory(this);
    ownSegment(simulator.memory);
    const memory = await get('localhost', simulator.restPort, simulator.mirrorPort);
    expect(memory.kind).to.equal('own');
    expect(memory.memory.byteLength).to.equal(5_600_000 + 2 ** 21);
    expect(memory.spectra.get('tof').sum).to.equal(sum());
    expect(simulator.counters.mirrorConnections).to.equal(0);
  });

  it('getSpecTclMemory does not use a segment of another program with the same key', async function () {
    needsSharedMemory(this);
    ownSegment(new Uint8Array(5_600_000 + 2 ** 21));
    const memory = await get('localhost', simulator.restPort, simulator.mirrorPort);
    expect(memory.kind).to.equal('mirror');
    expect(memory.spectra.get('tof').sum).to.equal(sum());
  });

  for (const sharedMemory of [true, false]) {
    it(`getSpecTclMemory gets the memory of a gateway ${sharedMemory ? 'by key' : 'by file'}`, async function () {
      if (sharedMemory) needsSharedMemory(this);
      const gateway = { restPort: 0, mirrorPort: 0, sharedMemory };
      await system.host.run({ name: 'e1', source: simulator.address, gateway });
      const { restPort, mirrorPort } = await gatewayOf(await system.client('e1'));
      const memory = await get('127.0.0.1', restPort, mirrorPort);
      expect(memory.kind).to.equal('own');
      simulator.step(300);
      await eventually(() => memory.spectra.get('tof').sum === sum(), 'the memory has the new sum');
      expect(simulator.counters.mirrorConnections).to.equal(1);
    });
  }

  it('getSpecTclMemory names errors as SpecTcl does', async () => {
    const { restPort, mirrorPort } = simulator;
    expect(await failure(get('127.0.0.1', 9, mirrorPort))).to.equal('MIRROR_CANTGETSIZE');
    expect(await failure(get('127.0.0.1', 'No_REST', mirrorPort, 'fox'))).to.equal('MIRROR_NORESTSVC');
    expect(await failure(get('127.0.0.1', restPort, 'No_MIRROR'))).to.equal('MIRROR_NOMIRRORSVC');
    expect(await failure(get('127.0.0.1', restPort, 9))).to.equal('MIRROR_SETUPFAILED');
    const withoutMirrors = await restWithoutMirrors();
    try {
      const { port } = withoutMirrors.address() as AddressInfo;
      expect(await failure(get('127.0.0.1', port, mirrorPort))).to.equal('MIRROR_CANTGETMIRRORS');
    } finally {
      withoutMirrors.close();
    }
    simulator.misbehave({ rest: 'html' });
    expect(await failure(get('127.0.0.1', restPort, mirrorPort))).to.equal('MIRROR_CANTGETSIZE');
  });
});
