/**
 * Mirrors between hosts, with a simulated SpecTcl: ring and image are bit for bit those of the
 * source, and few bytes cross the wire.
 */
import { expect } from 'chai';
import { openImage } from '../../../protocol/flow/flow-file/image.js';
import { openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import type { MirrorFlow } from '../../../duplicator/mirror/mirror-flow.js';
import { parseAddress } from '../../../protocol/base/address.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { FlowRig } from '../flow-rig.js';
import { CuttingProxy } from '../../kit/cutting-proxy.js';
import { eventually } from '../../kit/eventually.js';
import { LocalHost, SECRET } from '../../kit/local-host.js';

async function serve(flow: MirrorFlow): Promise<number> {
  const { address } = await flow.serve({ scheme: 'tcp', host: '127.0.0.1', port: 0 });
  return parseAddress(address, { schemes: ['tcp'] }).port;
}

/** The newest publication in the ring of a flow file. */
function newest(file: FlowFile): { readonly sequence: number; readonly memory: Buffer } | undefined {
  const reader = new RingReader(file, 'newest');
  const memory = Buffer.alloc(file.geometry.payloadCapacity);
  return reader.copy(memory) === 'ready'
    ? { sequence: reader.sequence, memory: memory.subarray(0, reader.size) }
    : undefined;
}

function publication(file: FlowFile, sequence: number): Buffer | undefined {
  const reader = new RingReader(file, sequence);
  const memory = Buffer.alloc(file.geometry.payloadCapacity);
  return reader.copy(memory) === 'ready' && reader.sequence === sequence
    ? memory.subarray(0, reader.size)
    : undefined;
}

describe('a mirror between hosts', () => {
  let rig: FlowRig;
  let proxy: CuttingProxy | undefined;
  const hosts: LocalHost[] = [];
  const host = (): LocalHost => {
    const rig = new LocalHost(SECRET, 'spectra');
    hosts.push(rig);
    return rig;
  };

  afterEach(async () => {
    for (const rig of hosts.splice(0).toReversed()) await rig.close();
    await rig.close();
    await proxy?.close();
    proxy = undefined;
  });

  async function proxyBefore(port: number): Promise<CuttingProxy> {
    proxy = await CuttingProxy.inFrontOf(port);
    return proxy;
  }

  async function start(): Promise<FlowFile> {
    rig = await FlowRig.make({ secretFile: host().secretFile });
    await rig.flow.start();
    return openFlowFile(rig.flow.layout.file, 'read');
  }

  it('every publication that arrives on another host is bit for bit that of the source, in ring and image', async () => {
    const a = await start();
    const link = await proxyBefore(await serve(rig.flow));
    const b = await host().remote(link.address);
    const c = await host().remote(`tcp://127.0.0.1:${await b.serve()}`);
    expect(b.flow.type).to.equal('spectra');
    expect(b.file.identity.properties).to.deep.equal(a.identity.properties);
    let compared = 0;
    for (let round = 0; round < 60; round += 1) {
      await rig.publishMore(1);
      if (round % 20 === 10) link.cut();
      for (const file of [b.file, c.file]) {
        const received = newest(file);
        const original = received && publication(a, received.sequence);
        if (received === undefined || original === undefined) continue;
        expect(received.memory.equals(original), `publication ${received.sequence}`).to.equal(true);
        compared += 1;
      }
    }
    expect(compared).to.be.at.least(30);
    for (const { file, flow } of [b, c]) {
      await eventually(() => file.published === a.published, 'the last publication');
      const image = openImage(rig.flow.layout.image);
      expect(openImage((flow.layout as { image: string }).image).equals(image)).to.equal(true);
      expect(newest(file)?.memory.equals(newest(a)?.memory ?? Buffer.alloc(0))).to.equal(true);
    }
  });

  it('a mirror is that of the source again after two cuts, the second while its ring holds lost publications only', async () => {
    rig = await FlowRig.make(
      { secretFile: host().secretFile, ringBytes: 0, reattachMs: 1 },
      {
        channelBytes: 2 * 1024 * 1024,
        fillers: 100,
        // So few blocks per step that most blocks that change during a cut change once.
        sparsePercent: 0.2,
      },
    );
    await rig.flow.start();
    const a = openFlowFile(rig.flow.layout.file, 'read');
    const link = await proxyBefore(await serve(rig.flow));
    const b = await host().remote(link.address, { ringBytes: 0 });
    await eventually(() => b.file.published > 0 && b.file.published === a.published, 'the first publication');
    // The consumer has read everything and reads nothing from now on: the loss is published, and
    // nothing may follow before the consumer notices it.
    const input = await b.consumer({ start: 'next' });
    await eventually(() => rig.flow.remotes[0]?.delivery === 'lossless', 'lossless delivery');
    const cut = async (): Promise<void> => {
      link.refusing = true;
      link.cut();
      await eventually(() => rig.flow.remotes.length === 0, 'the end of the link');
      await rig.publishMore(6);
      link.refusing = false;
    };
    const before = b.file.published;
    await cut();
    await eventually(() => b.file.published > before, 'the lost publications');
    expect(newest(b.file)).to.equal(undefined);
    await cut();
    await input.close();
    await eventually(() => b.file.published === a.published, 'the newest publication');
    expect(newest(b.file)?.memory.equals(newest(a)?.memory ?? Buffer.alloc(0))).to.equal(true);
    const { image = '' } = b.flow.layout as { image?: string };
    expect(openImage(image).equals(openImage(rig.flow.layout.image))).to.equal(true);
  });

  it('a lossless consumer on another host receives every publication of a mirror', async () => {
    const a = await start();
    const b = await host().remote(`tcp://127.0.0.1:${await serve(rig.flow)}`);
    await eventually(() => b.file.published === a.published, 'the first publication');
    const input = await b.consumer({ start: 'next' });
    const from = a.published;
    const got: number[] = [];
    const taking = (async () => {
      while (got.length < 20) {
        const buffer = await input.take();
        if (buffer === undefined) return;
        got.push(buffer.sequence);
        buffer.release();
      }
    })();
    await rig.publishMore(25);
    await taking;
    expect(got).to.deep.equal(Array.from({ length: 20 }, (_, index) => from + index));
    expect(input.lost).to.equal(0);
  });

  it('a mirror costs a fifteenth of the bytes of its source when a twentieth of the blocks changes', async () => {
    rig = await FlowRig.make(
      { secretFile: host().secretFile },
      {
        channelBytes: 2 * 1024 * 1024,
        fillers: 100,
        sparsePercent: 5,
      },
    );
    await rig.flow.start();
    const a = openFlowFile(rig.flow.layout.file, 'read');
    const b = await host().remote(`tcp://127.0.0.1:${await serve(rig.flow)}`);
    await eventually(() => b.file.published === a.published, 'the first publication');
    const before = b.file.counter(COUNTERS.receivedBytes.id);
    const source = a.counter(COUNTERS.receivedBytes.id);
    for (let round = 0; round < 10; round += 1) {
      await rig.publishMore(1);
      await eventually(() => b.file.published === a.published, 'each publication');
    }
    const wire = b.file.counter(COUNTERS.receivedBytes.id) - before;
    const spectcl = a.counter(COUNTERS.receivedBytes.id) - source;
    expect(wire * 15).to.be.below(spectcl);
  });
});
