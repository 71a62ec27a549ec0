/**
 * Mirrors of a simulated SpecTcl for real programs: transfers, wake-ups, faults of source and
 * duplicator.
 */
import { expect } from 'chai';
import { MirrorflowError, SpectraView, connect, type Client } from '../../client-lib/index.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

const READERS = 8;
const PUBLICATIONS = 20;
const MIB = 2 ** 20;

describe('a mirrored SpecTcl', function () {
  let system: RealSystem;

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost();
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  async function codeOf(work: Promise<unknown>): Promise<string> {
    try {
      await work;
    } catch (error) {
      if (error instanceof MirrorflowError) return error.code;
      throw error;
    }
    return 'no error';
  }

  it('a mirror is transferred once for eight programs, and each reads whole publications of the source', async () => {
    const simulator = await system.simulator({ rate: 50_000, intervalMs: 10, channelBytes: 2 * 2 ** 20 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    const readers = Array.from({ length: READERS }, () =>
      system.program('test/fixtures/system/checksum-reader.js', ['e1', String(PUBLICATIONS)]),
    );
    let most = 0;
    const outputs = await Promise.all(
      readers.map(async (reader) => {
        reader.process.stdout?.on('data', () => {
          most = Math.max(most, simulator.counters.currentConnections);
        });
        expect(await reader.end(), reader.errors).to.equal(0);
        return JSON.parse(reader.output.split('\n')[1] ?? '') as unknown;
      }),
    );
    for (const output of outputs) expect(output).to.deep.equal({ read: PUBLICATIONS, wrong: 0, whole: true });
    expect(most).to.equal(1);
    expect(simulator.counters.mirrorConnections).to.equal(1);
  });

  it('two programs that open a mirror at the same moment share one', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address });
    const [one, two] = await Promise.all([system.client('e1', 'one'), system.client('e1', 'two')]);
    const [first, second] = await Promise.all([one.getMemory(), two.getMemory()]);
    expect(first.equals(second)).to.equal(true);
    expect(first.subarray(0, simulator.memory.length).equals(simulator.memory)).to.equal(true);
    expect(simulator.counters.mirrorConnections).to.equal(1);
    expect(await one.isMirroring()).to.equal(true);
    await one.unmap();
    expect(await one.isMirroring()).to.equal(false);
  });

  it('a mirror wakes no reader while the source is unchanged and publishes the first change', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
    const client = await system.client('e1');
    const mirror = await client.mirror();
    await eventually(
      async () => (await client.statistics('spectra'))['updates']! > 5,
      'several updates without a change have arrived',
    );
    const { published } = mirror;
    const before = await client.statistics('spectra');
    await eventually(
      async () => (await client.statistics('spectra'))['updates']! > before['updates']! + 3,
      'more updates without a change have arrived',
    );
    const after = await client.statistics('spectra');
    expect(mirror.published).to.equal(published);
    expect(after['signals']).to.equal(before['signals']);
    simulator.step(1000);
    await eventually(() => mirror.published > published, 'the change is published');
    expect(mirror.read((spectra) => verifyChecksum(spectra.memory).ok)).to.equal(true);
  });

  it('a mirror has the spectra of the source by name, with axes, counts and sums', async () => {
    const simulator = await system.simulator({ rate: 0 });
    simulator.step(5000);
    await system.host.run({ name: 'e1', source: simulator.address });
    const { spectra } = await (await system.client('e1')).mirror();
    const tof = spectra.get('tof');
    const source = new SpectraView(simulator.memory).get('tof');
    expect(tof.sum).to.be.greaterThan(0);
    expect(tof.sum).to.equal(source.sum);
    expect(tof.binding).to.deep.equal(source.binding);
    expect(tof.counts).to.be.instanceOf(Uint32Array);
    expect(tof.binding).to.include({ name: 'tof', dimensions: 1 });
    expect(spectra.get('dssd.hits').counts).to.be.instanceOf(Uint8Array);
    expect(spectra.get('adc.raw').counts).to.be.instanceOf(Uint16Array);
    expect(() => spectra.get('nothing')).to.throw(/there is no spectrum "nothing"; there are checksum, /);
  });

  it('the reason why a source cannot be mirrored is reported, and a repaired source is mirrored', async () => {
    await system.host.run({ name: 'unreachable', source: 'spectcl://127.0.0.1?rest=9&mirror=9' });
    const client = await system.client('unreachable');
    expect(await codeOf(client.getMemory())).to.equal('SOURCE_UNREACHABLE');
    const failed = (await client.flows()).find(({ flow }) => flow === 'spectra');
    expect(failed?.state).to.equal('failed');
    expect(failed?.cause).to.match(/127\.0\.0\.1:9/);

    const html = await system.simulator({ rate: 0, misbehaviour: { rest: 'html' } });
    await system.host.run({ name: 'html', source: html.address });
    const puzzled = await system.client('html');
    expect(await codeOf(puzzled.getMemory())).to.equal('SOURCE_PROTOCOL');
    html.misbehave({ rest: 'none' });
    expect((await puzzled.getMemory()).length).to.be.greaterThan(5_600_000);

    for (const mirror of ['garbage', 'huge-length', 'bad-header'] as const) {
      const broken = await system.simulator({ rate: 0, misbehaviour: { mirror } });
      await system.host.run({ name: mirror, source: broken.address });
      expect(await codeOf((await system.client(mirror)).getMemory()), mirror).to.equal('SOURCE_PROTOCOL');
    }
  });

  it('unknown applications and flows, bad names and bad options are refused with their codes', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address });
    expect(await codeOf(connect({ app: 'e2', directory: system.directory }))).to.equal('UNKNOWN_APPLICATION');
    expect(await codeOf(connect({ app: 'not a name', directory: system.directory }))).to.equal('BAD_NAME');
    const client = await system.client('e1');
    expect(await codeOf(client.openInput('nothing'))).to.equal('UNKNOWN_FLOW');
    expect(await codeOf(client.openInput('spectra', { history: 0 }))).to.equal('BAD_OPTION');
    expect(await codeOf(client.openOutput('spectra', { bufferSize: 10, type: 'spectra' }))).to.equal(
      'REFUSED',
    );
  });

  it('a mirror keeps its last data as stale while the source is unreachable and is live afterwards', async () => {
    const simulator = await system.simulator({ rate: 0 });
    simulator.step(1000);
    const source = simulator.address;
    await system.host.run({ name: 'e1', source });
    const mirror = await (await system.client('e1')).mirror();
    const states: string[] = [];
    mirror.on('state', (state) => states.push(state));
    const kept = new SpectraView(simulator.memory).get('tof').sum;
    expect(mirror.spectra.get('tof').sum).to.equal(kept);
    const { restPort, mirrorPort } = simulator;
    await simulator.close();
    await eventually(() => mirror.state === 'stale', 'stale');
    expect(mirror.spectra.get('tof').sum).to.equal(kept);
    expect(mirror.isMirroring).to.equal(false);
    const again = await system.simulator({ rate: 0, restPort, mirrorPort });
    again.step(2000);
    const isCurrent = (): boolean =>
      mirror.spectra.get('tof').sum === new SpectraView(again.memory).get('tof').sum;
    await eventually(() => mirror.state === 'live' && isCurrent(), 'live again');
    await eventually(() => states.includes('stale') && states.includes('live'), 'both states were emitted');
  });

  it('a mirror whose duplicator is killed while the source is unreachable keeps its last data, for newcomers too', async () => {
    const simulator = await system.simulator({ rate: 0 });
    simulator.step(1000);
    await system.host.run({ name: 'e1', source: simulator.address });
    const client = await system.client('e1');
    const mirror = await client.mirror();
    const kept = new SpectraView(simulator.memory).get('tof').sum;
    const { restPort, mirrorPort } = simulator;
    await simulator.close();
    const pid = await system.duplicatorPid(client);
    process.kill(pid ?? 0, 'SIGKILL');
    await eventually(async () => {
      const next = await system.duplicatorPid(client);
      return next !== undefined && next !== pid;
    }, 'the duplicator is replaced');
    const newcomer = await (await system.client('e1', 'newcomer')).mirror();
    expect([newcomer.state, newcomer.spectra.get('tof').sum]).to.deep.equal(['stale', kept]);
    const [flow] = await client.flows();
    expect([flow?.restarts, flow?.cause]).to.satisfy(
      ([restarts, cause]: unknown[]) => restarts === 1 && String(cause).includes('cannot be reached'),
    );
    const again = await system.simulator({ rate: 0, restPort, mirrorPort });
    again.step(2000);
    const sum = new SpectraView(again.memory).get('tof').sum;
    for (const one of [mirror, newcomer])
      await eventually(() => one.state === 'live' && one.spectra.get('tof').sum === sum, 'live again');
  });

  it('viewers that are attached follow a SpecTcl that is restarted with a larger memory, as often as it is', async () => {
    let simulator = await system.simulator({ rate: 0, channelBytes: 2 * MIB });
    await system.host.run({ name: 'e1', source: simulator.address });
    const clients = await Promise.all(['one', 'two', 'three'].map(async (name) => system.client('e1', name)));
    const mirrors = await Promise.all(clients.map((client) => client.mirror()));
    const { restPort, mirrorPort } = simulator;
    for (const [channelBytes, flavour] of [
      [4 * MIB, 'spectcl'],
      [16 * MIB, 'rustogramer'],
      [32 * MIB, 'spectcl'],
    ] as const) {
      await simulator.close();
      simulator = await system.simulator({ rate: 0, channelBytes, flavour, restPort, mirrorPort });
      simulator.step(channelBytes / MIB);
      const { sum } = new SpectraView(simulator.memory).get('tof');
      for (const mirror of mirrors) {
        await eventually(
          () =>
            mirror.state === 'live' &&
            mirror.read(({ memory }) => verifyChecksum(memory).bindingsOk) &&
            mirror.spectra.get('tof').sum === sum,
          `the memory of ${channelBytes} bytes`,
        );
      }
      const [flow] = (await clients[0]?.flows()) ?? [];
      expect(flow?.bufferSize).to.be.at.least(channelBytes);
    }
    expect(simulator.counters.mirrorConnections).to.be.at.most(2);
  });

  describe('with a duplicator that is killed', () => {
    let client: Client;

    async function kill(): Promise<number> {
      const pid = await eventually(() => system.duplicatorPid(client), 'a duplicator runs');
      process.kill(pid, 'SIGKILL');
      return pid;
    }

    it('a mirror whose duplicator was killed reattaches and has the current data of the source', async () => {
      const simulator = await system.simulator({ rate: 0 });
      await system.host.run({ name: 'e1', source: simulator.address });
      client = await system.client('e1');
      const mirror = await client.mirror();
      const pid = await kill();
      simulator.step(777);
      await eventually(
        () =>
          mirror.state === 'live' &&
          mirror.spectra.get('tof').sum === new SpectraView(simulator.memory).get('tof').sum,
        'the mirror is attached to another duplicator',
      );
      expect(await system.duplicatorPid(client)).to.not.equal(pid);
    });
  });

  it('the duplicator of a mirror ends after the last client and leaves no file', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address, lingerMs: 50 });
    const client = await system.client('e1');
    await client.getMemory();
    await client.unmap();
    await eventually(async () => (await client.flows())[0]?.state === 'idle', 'the flow is idle');
    expect(system.leftovers().filter((path) => path.startsWith(system.flowDirectory))).to.deep.equal([]);
    expect((await client.getMemory()).length).to.be.greaterThan(5_600_000);
  });
});
