/** The threads that the simulator loses as SpecTcl does, and what a client does to avoid it. */
import { expect } from 'chai';
import { type Simulator, startSimulator } from '../../simulator/simulator.js';
import { eventually } from '../kit/eventually.js';
import { MirrorTestClient } from './mirror-test-client.js';

describe('the threads of a simulated SpecTcl', () => {
  let simulator: Simulator;
  const peers: MirrorTestClient[] = [];

  beforeEach(async () => {
    simulator = await startSimulator({
      rate: 0,
      channelBytes: 64 * 1024,
      spectra: [],
      descriptorReplacementMs: 60_000,
    });
  });
  afterEach(async () => {
    peers.splice(0).forEach((peer) => peer.close());
    await simulator.close();
  });

  async function connect(): Promise<MirrorTestClient> {
    const peer = await MirrorTestClient.connect(simulator.mirrorPort);
    peers.push(peer);
    return peer;
  }
  const open = (count: number): Promise<boolean> =>
    eventually(() => simulator.counters.currentConnections === count);

  it('a connection that ends with FIN costs a thread when the next one arrives at once', async () => {
    const first = await connect();
    await first.update();
    first.close();
    await open(0);
    await connect();
    await open(1);
    expect([simulator.lostThreads, simulator.aborts]).to.deep.equal([1, 0]);
  });

  it('a REST request right after the end of a connection costs a thread as well', async () => {
    const first = await connect();
    await first.update();
    first.close();
    await open(0);
    await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/version`);
    expect(simulator.lostThreads).to.equal(1);
  });

  it('a connection that ends with FIN after its successor was connected costs nothing', async () => {
    const first = await connect();
    await first.update();
    await connect();
    await open(2);
    first.close();
    await open(1);
    expect(simulator.lostThreads).to.equal(0);
  });

  it('a reset costs nothing after a reply, and may abort SpecTcl before one', async () => {
    const first = await connect();
    await first.update();
    first.reset();
    const second = await connect();
    await eventually(() => simulator.counters.mirrorConnections === 2);
    await open(1);
    expect([simulator.lostThreads, simulator.aborts]).to.deep.equal([0, 0]);
    second.reset();
    await eventually(() => simulator.aborts === 1);
    expect(simulator.lostThreads).to.equal(0);
  });

  it('connections that are replaced while the server hangs cost threads when it continues', async () => {
    const first = await connect();
    await first.update();
    simulator.misbehave({ mirror: 'hang' });
    first.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
    first.close();
    await connect();
    await open(1);
    expect(simulator.lostThreads).to.equal(0);
    simulator.misbehave({ mirror: 'none' });
    await eventually(() => simulator.lostThreads === 1);
  });

  it('a server that hangs answers what it was asked when it continues', async () => {
    simulator.misbehave({ mirror: 'hang', rest: 'hang' });
    const peer = await connect();
    const update = peer.update();
    const version = fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/version`);
    await eventually(() => simulator.counters.restRequests === 1);
    expect(simulator.counters.updatesServed).to.equal(0);
    simulator.misbehave({ mirror: 'none', rest: 'none' });
    expect((await update).type).to.equal(3);
    expect((await version).status).to.equal(200);
  });
});
