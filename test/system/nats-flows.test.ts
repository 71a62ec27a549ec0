/**
 * Flows and mirrors between sites over real nats-server processes: a hub and two leaf nodes. The
 * publisher is at the hub's site, receivers are at the leaves.
 */
import { expect } from 'chai';
import type { InputFlow } from '../../client-lib/index.js';
import { openImage } from '../../protocol/flow/flow-file/image.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { writeNatsOptions } from '../../protocol/nats/options.js';
import { eventually } from '../kit/eventually.js';
import { LocalHost, type LocalHostFlow } from '../kit/local-host.js';
import { NatsRig } from '../kit/nats-rig.js';
import { needsNatsServer } from '../kit/nats-server.js';
import { RealSystem } from '../kit/real-system.js';
import type { TestProcess } from '../kit/test-process.js';

const APP = 'test';
const MIRRORED = 'mirrored';
const SITE = 'lab';
const PREFIX = 'e1';
const PUBLISHER = 'test/fixtures/system/nats-publisher.js';

describe('flows over NATS', function () {
  this.timeout(60_000);
  let rig: NatsRig;
  let system: RealSystem;
  const receivers: LocalHost[] = [];

  before(async function () {
    needsNatsServer(this);
    rig = await NatsRig.start();
  });
  after(() => rig?.stop());

  beforeEach(async () => {
    system = new RealSystem();
    await system.startHost(APP);
  });

  afterEach(async function () {
    const isFailed = this.currentTest?.state === 'failed';
    if (isFailed) for (const receiver of receivers) console.error(receiver.log.slice(0, 20).join(''));
    for (const receiver of receivers.splice(0)) await receiver.close();
    await system.stop(isFailed);
  });

  async function publisher(app: string, ...flows: string[]): Promise<TestProcess> {
    const program = system.program(PUBLISHER, [rig.hub.address(PREFIX), SITE, app, ...flows]);
    await program.until(() => program.output.includes('ready'));
    return program;
  }

  /** A duplicator at a leaf. */
  function receiver(leaf: string, flow: string, application = APP): Promise<LocalHostFlow> {
    const host = new LocalHost('', flow);
    receivers.push(host);
    const address = rig.server(leaf).address(PREFIX);
    writeNatsOptions(host.directory, { address, site: leaf, domain: 'hub' });
    return host.remote(address, { site: SITE, application });
  }

  it('every buffer arrives once, in order, and as it was', async () => {
    const client = await system.client(APP);
    const output = await client.openOutput('events', { bufferSize: 1024, buffers: 256 });
    await publisher(APP, 'events');
    const far = await receiver('alpha', 'events');
    const input = await far.consumer({ delivery: 'lossless', start: 'next' });
    const sent: string[] = [];
    const received: string[] = [];
    const reading = readAll(input, received, 2_000);
    for (let number = 0; number < 2_000; number += 1) {
      const slot = await output.reserve();
      slot.data.fill(number % 251, 0, (number % 1024) + 1);
      slot.commit((number % 1024) + 1);
      sent.push(`${number}:${(number % 1024) + 1}:${number % 251}`);
    }
    await reading;
    expect(received).to.deep.equal(sent);
  });

  it('a mirror at a leaf is bit for bit that of the source at every sequence, also for a host that joins later', async () => {
    const simulator = await system.simulator({ channelBytes: 2 ** 22, rate: 100_000 });
    await system.host.run({ name: MIRRORED, source: simulator.address });
    await publisher(MIRRORED, 'spectra');
    const client = await system.client(MIRRORED);
    await client.openInput('spectra', { inline: true });
    const { file = '' } = (await client.flows()).find(({ flow }) => flow === 'spectra') ?? {};
    const source = openFlowFile(file, 'read');
    const first = await receiver('alpha', 'spectra', MIRRORED);
    await compare(source, first, 20);
    const late = await receiver('beta', 'spectra', MIRRORED);
    await compare(source, late, 20);
    await compare(source, first, 20);
  });
});

/** Compares publications that are in both rings, and the image with its newest publication. */
async function compare(source: FlowFile, { file, flow }: LocalHostFlow, publications: number): Promise<void> {
  const { image: imagePath = '' } = flow.layout;
  const image = openImage(imagePath);
  let last = file.published;
  for (let compared = 0; compared < publications;) {
    await eventually(() => file.published > last, 'another publication arrives');
    last = file.published;
    const there = publication(source, last - 1);
    const here = publication(file, last - 1);
    if (there === undefined || here === undefined) continue;
    expect(here.timestampNs).to.equal(there.timestampNs);
    expect(here.memory.equals(there.memory)).to.equal(true);
    if (file.imageApplied !== last || file.published !== last) continue;
    const shown = Buffer.from(image.subarray(0, here.memory.length));
    if (file.imageApplied === last) expect(shown.equals(there.memory)).to.equal(true);
    compared += 1;
  }
}

function publication(file: FlowFile, sequence: number) {
  const reader = new RingReader(file, sequence);
  const memory = Buffer.alloc(file.geometry.payloadCapacity);
  if (reader.copy(memory) !== 'ready' || reader.sequence !== sequence) return undefined;
  return { memory: memory.subarray(0, reader.size), timestampNs: reader.timestampNs };
}

/** Reads `count` buffers as "sequence:size:first byte". */
async function readAll(input: InputFlow, into: string[], count: number): Promise<void> {
  for await (const buffer of input) {
    into.push(`${buffer.sequence}:${buffer.size}:${buffer.bytes[0]}`);
    if (into.length >= count) return;
  }
}
