/** The simulator's mirror service, byte by byte, with SpecTcl's and Rustogramer's habits. */
import { expect } from 'chai';
import { checkHeader } from '../../protocol/spectcl/display-check.js';
import {
  DISPLAY_HEADER_BYTES,
  bindings,
  channelsOf,
  usedBytes,
} from '../../protocol/spectcl/display-memory.js';
import { checkReplyHeader } from '../../protocol/spectcl/mirror-messages.js';
import { verifyChecksum } from '../../simulator/checksum.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.js';
import type { SpectrumDefinition } from '../../simulator/spectrum-definition.js';
import { MirrorTestClient } from './mirror-test-client.js';
import { eventually } from '../kit/eventually.js';

const CHANNEL_BYTES = 64 * 1024;
const line = (name: string, bins = 100): SpectrumDefinition => ({
  name,
  type: 4,
  axes: [{ parameter: 'p', low: 0, high: bins, bins, unit: 'keV' }],
  weights: new Float64Array(bins).fill(1),
});

describe('simulated mirror service', () => {
  let simulator: Simulator;
  const peers: MirrorTestClient[] = [];

  async function start(options: SimulatorOptions = {}): Promise<Simulator> {
    simulator = await startSimulator({
      rate: 0,
      channelBytes: CHANNEL_BYTES,
      spectra: [line('a')],
      ...options,
    });
    return simulator;
  }

  async function connect(): Promise<MirrorTestClient> {
    const peer = await MirrorTestClient.connect(simulator.mirrorPort);
    peers.push(peer);
    return peer;
  }

  const mirrors = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/mirror`);
    return ((await answer.json()) as { detail: unknown }).detail;
  };

  afterEach(async () => {
    peers.splice(0).forEach((peer) => peer.close());
    await simulator.close();
  });

  it('the simulator sends the whole memory first, then channels only', async () => {
    await start({ checksum: false });
    const peer = await connect();
    peer.sendShmInfo('XA7c');
    const used = 102 * 4;
    simulator.step(1000);
    const first = await peer.update();
    expect(first.type).to.equal(3);
    expect(first.body.byteLength).to.equal(DISPLAY_HEADER_BYTES + used);
    expect(Buffer.compare(first.body, simulator.memory.subarray(0, DISPLAY_HEADER_BYTES + used))).to.equal(0);
    simulator.step(1000);
    const second = await peer.update();
    expect(second.type).to.equal(4);
    expect(
      Buffer.compare(
        second.body,
        simulator.memory.subarray(DISPLAY_HEADER_BYTES, DISPLAY_HEADER_BYTES + used),
      ),
    ).to.equal(0);
    expect(simulator.counters.updatesServed).to.equal(2);
    expect(simulator.counters.bytesServed).to.equal(16 + DISPLAY_HEADER_BYTES + 2 * used);
  });

  it('a simulator without spectra sends 1 byte of channels as SpecTcl and none as Rustogramer', async () => {
    await start({ checksum: false, spectra: [] });
    expect((await (await connect()).update()).body.byteLength).to.equal(DISPLAY_HEADER_BYTES + 1);
    await simulator.close();
    await start({ checksum: false, spectra: [], flavour: 'rustogramer' });
    const peer = await connect();
    expect((await peer.update()).body.byteLength).to.equal(DISPLAY_HEADER_BYTES);
    expect((await peer.update()).body.byteLength).to.equal(0);
  });

  it('the simulator sends an old connection no new header, like SpecTcl', async () => {
    await start();
    const old = await connect();
    await old.update();
    simulator.define(line('b'));
    expect((await old.update()).type).to.equal(4);
    const update = await (await connect()).update();
    expect(update.type).to.equal(3);
    expect(bindings(update.body).map(({ name }) => name)).to.deep.equal(['checksum', 'a', 'b']);
  });

  it('the simulator sends a changed header again, like Rustogramer', async () => {
    await start({ flavour: 'rustogramer' });
    const peer = await connect();
    expect((await peer.update()).type).to.equal(3);
    simulator.step(100);
    expect((await peer.update()).type).to.equal(4);
    simulator.rename('a', 'b');
    const renamed = await peer.update();
    expect(renamed.type).to.equal(3);
    expect(bindings(renamed.body)[1]?.name).to.equal('b');
    expect((await peer.update()).type).to.equal(4);
  });

  it('the simulator answers requests that arrive together one after the other', async () => {
    await start();
    const peer = await connect();
    const request = Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0);
    peer.send(request, request.subarray(0, 3));
    const used = usedBytes(simulator.memory, CHANNEL_BYTES);
    await peer.take(8 + DISPLAY_HEADER_BYTES + used);
    peer.send(request.subarray(3));
    const second = Buffer.from(await peer.take(8 + used));
    expect([second.readUInt32LE(0), second.readUInt32LE(4)]).to.deep.equal([8 + used, 4]);
  });

  it('the simulator closes on a key of other than 4 bytes, a wrong type or a wrong length', async () => {
    await start();
    for (const send of [
      (peer: MirrorTestClient) => peer.sendShmInfo('XA7'),
      (peer: MirrorTestClient) => peer.sendShmInfo('XA7cd'),
      (peer: MirrorTestClient) => peer.send(Uint8Array.of(8, 0, 0, 0, 3, 0, 0, 0)),
      (peer: MirrorTestClient) => peer.send(Uint8Array.of(9, 0, 0, 0, 2, 0, 0, 0)),
      (peer: MirrorTestClient) => peer.send(Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0)),
      (peer: MirrorTestClient) => peer.send(Buffer.from('GET / HTTP/1.1\r\n\r\n')),
    ]) {
      const peer = await connect();
      send(peer);
      expect((await peer.closed()).byteLength).to.equal(0);
    }
    await eventually(() => simulator.counters.currentConnections === 0);
  });

  it('the simulator accepts a key of any length as Rustogramer', async () => {
    await start({ flavour: 'rustogramer' });
    const peer = await connect();
    peer.sendShmInfo('file:/tmp/memory');
    await eventually(async () => ((await mirrors()) as unknown[]).length === 1);
    expect(await mirrors()).to.deep.equal([{ host: 'localhost', shmkey: 'file:/tmp/memory' }]);
  });

  it('the simulator closes on a second registration of the same host and key', async () => {
    await start();
    const first = await connect();
    first.sendShmInfo('XA7c');
    await eventually(async () => ((await mirrors()) as unknown[]).length === 1);
    const second = await connect();
    second.sendShmInfo('XA7c');
    expect((await second.closed()).byteLength).to.equal(0);
    // The habit: with it goes what the first had registered, which is still served.
    await eventually(async () => ((await mirrors()) as unknown[]).length === 0);
    expect((await first.update()).type).to.equal(3);
  });

  it('the simulator removes every mirror of a host when any of its connections closes', async () => {
    await start();
    const registered = await connect();
    registered.sendShmInfo('XA7c');
    await eventually(async () => ((await mirrors()) as unknown[]).length === 1);
    const bystander = await connect();
    await eventually(() => simulator.counters.currentConnections === 2);
    bystander.close();
    await eventually(async () => ((await mirrors()) as unknown[]).length === 0);
    expect((await registered.update()).type).to.equal(3);
    expect(simulator.counters.mirrorConnections).to.equal(2);
  });

  it('each reply is a snapshot, however much changes while it is read', async () => {
    await start({ channelBytes: 16 * 1024 * 1024, spectra: [line('large', 3_000_000)] });
    simulator.step(1000);
    const peer = await connect();
    // A reply far larger than the kernel's buffers, so that most of it is still to be sent.
    peer.pause();
    peer.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
    const used = usedBytes(simulator.memory, 16 * 1024 * 1024);
    let changes = 0;
    await eventually(() => {
      simulator.step(1000);
      changes++;
      return simulator.copies > 0;
    });
    simulator.step(1000);
    peer.resume();
    const reply = await peer.take(8 + DISPLAY_HEADER_BYTES + used);
    const mirrored = Uint8Array.from(reply.subarray(8));
    expect(verifyChecksum(mirrored)).to.include({ ok: true, bindingsOk: true, headerOk: true });
    expect(simulator.copies).to.equal(1);
    expect(changes).to.be.greaterThan(0);
  });

  it('a reply mixes updates with the option tear', async () => {
    await start({ tear: true });
    const peer = await connect();
    peer.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
    await peer.take(8);
    for (let round = 0; round < 10; round++) simulator.step(1000);
    expect(simulator.copies).to.equal(0);
  });

  it('the checksum is correct in every update', async () => {
    await start({ spectra: [line('a'), { ...line('b'), type: 2 }] });
    const peer = await connect();
    const mirrored = new Uint8Array(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
    mirrored.set((await peer.update()).body);
    expect(verifyChecksum(mirrored)).to.deep.equal({
      ok: true,
      bindingsOk: true,
      headerOk: true,
      updateCount: 1,
    });
    mirrored.set((await peer.update()).body, DISPLAY_HEADER_BYTES);
    expect(verifyChecksum(mirrored).updateCount, 'nothing changed, nothing counted').to.equal(1);
    simulator.step(5000);
    mirrored.set((await peer.update()).body, DISPLAY_HEADER_BYTES);
    // Statistics of an old connection are stale, its bindings are not.
    expect(verifyChecksum(mirrored)).to.deep.equal({
      ok: true,
      bindingsOk: true,
      headerOk: false,
      updateCount: 2,
    });
    const a = channelsOf(mirrored, bindings(mirrored)[1]!);
    a[50]!++;
    expect(verifyChecksum(mirrored).ok).to.equal(false);
  });

  it('every reply is whole while events, bindings and replies interleave', async () => {
    await start({ rate: 500_000, intervalMs: 2, bindingChurnS: 0.02, noDelay: true });
    for (let round = 0; round < 5; round++) {
      const peer = await connect();
      const mirrored = new Uint8Array(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
      mirrored.set((await peer.update()).body);
      expect(verifyChecksum(mirrored)).to.include({ ok: true, bindingsOk: true, headerOk: true });
      expect(checkHeader(mirrored, CHANNEL_BYTES)).to.deep.equal([]);
      for (let update = 0; update < 20; update++) {
        mirrored.set((await peer.update()).body, DISPLAY_HEADER_BYTES);
        expect(verifyChecksum(mirrored).ok).to.equal(true);
      }
      peer.close();
    }
  });

  describe('that misbehaves', () => {
    const judge = async (peer: MirrorTestClient) => {
      peer.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
      const header = Buffer.from(await peer.take(8));
      return checkReplyHeader(header.readUInt32LE(0), header.readUInt32LE(4), CHANNEL_BYTES);
    };

    it('stall: the simulator accepts a connection and never answers', async () => {
      await start({ misbehaviour: { mirror: 'stall' } });
      const stalled = await connect();
      stalled.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
      simulator.misbehave({ mirror: 'none' });
      // Another connection is served meanwhile, and the client's leaving is noticed.
      const other = await connect();
      await eventually(() => simulator.counters.currentConnections === 2);
      expect((await other.update()).type).to.equal(3);
      stalled.close();
      await eventually(() => simulator.counters.currentConnections === 1);
    });

    it('stall-inside: the simulator stops within a body', async () => {
      await start({ misbehaviour: { mirror: 'stall-inside' } });
      const peer = await connect();
      const judged = await judge(peer);
      expect(judged.kind).to.equal('full');
      if (judged.kind === 'bad') return;
      await peer.take(Math.floor(judged.bodyBytes / 2));
      expect(simulator.counters.updatesServed).to.equal(0);
      peer.close();
      await eventually(() => simulator.counters.currentConnections === 0);
    });

    it('cut: the simulator closes within a body', async () => {
      await start({ misbehaviour: { mirror: 'cut' } });
      const peer = await connect();
      const judged = await judge(peer);
      expect((await peer.closed()).byteLength).to.equal(
        judged.kind === 'bad' ? -1 : Math.floor(judged.bodyBytes / 2),
      );
    });

    it('short-length and huge-length: the simulator sends impossible lengths', async () => {
      await start({ misbehaviour: { mirror: 'short-length' } });
      const peer = await connect();
      expect((await judge(peer)).kind).to.equal('bad');
      simulator.misbehave({ mirror: 'huge-length' });
      expect((await judge(peer)).kind).to.equal('bad');
      simulator.misbehave({ mirror: 'none' });
      expect((await judge(peer)).kind).to.equal('full');
    });

    it('garbage: the simulator sends random bytes', async () => {
      await start({ misbehaviour: { mirror: 'garbage' } });
      const peer = await connect();
      peer.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
      expect((await peer.take(4096)).byteLength).to.equal(4096);
    });

    it('bad-header: the simulator sends spectra beyond the end of the storage', async () => {
      await start();
      const peer = await connect();
      await peer.update();
      simulator.misbehave({ mirror: 'bad-header' });
      const { type, body } = await peer.update();
      expect(type).to.equal(3);
      expect(checkHeader(body, CHANNEL_BYTES)).to.have.length(2);
      expect(checkHeader(simulator.memory, CHANNEL_BYTES)).to.deep.equal([]);
    });

    it('slow: the simulator sends the whole reply slowly', async () => {
      await start({ misbehaviour: { mirror: 'slow', slowBytesPerSecond: 100_000_000 } });
      const peer = await connect();
      const { body } = await peer.update();
      expect(verifyChecksum(Uint8Array.from(body)).ok).to.equal(true);
    });
  });
});
