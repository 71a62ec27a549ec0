/**
 * Flows and mirrors between sites over NATS, as real processes: a hub, two leaf nodes, and a host
 * at each. The host of alpha publishes, the host of beta receives.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { NatsConnection } from '@nats-io/transport-node';
import type { InputFlow } from '../../client-lib/index.js';
import { openImage } from '../../protocol/flow/flow-file/image.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { flowChannels } from '../../protocol/nats/flow-channels.js';
import { encodeParcels } from '../../protocol/nats/parcel.js';
import { newSiteKey } from '../../protocol/nats/signature.js';
import { NatsSubjects } from '../../protocol/nats/subjects.js';
import { BufferBatch } from '../../nats/publish/buffer-batch.js';
import { eventually } from '../kit/eventually.js';
import { connectTo } from '../kit/nats-rig.js';
import { NatsCollaboration } from '../kit/nats-collaboration.js';
import { needsNatsServer } from '../kit/nats-server.js';
import type { RealSystem } from '../kit/real-system.js';
import { NumberedFlow } from './numbered-flow.js';

const DAQ = 'daq';
const MIRRORED = 'mirrored';
const BUFFERS = 2_000;
const LONG = process.env['MIRRORFLOW_LONG_TESTS'] === '1';
/** Every fault at least once; the long form takes about ten minutes. */
const FAULTS = LONG ? 150 : 7;

describe('flows over NATS', function () {
  this.timeout(LONG ? 1_800_000 : 180_000);
  let sites: NatsCollaboration;
  let alpha: RealSystem;
  let beta: RealSystem;

  before(async function () {
    needsNatsServer(this);
    sites = await NatsCollaboration.start();
  });
  after(() => sites?.stop());

  afterEach(function () {
    return sites.stopSites(this.currentTest?.state === 'failed');
  });

  /** Applications of alpha, which beta has from there; alpha signs, and beta verifies. */
  async function start(wan: 'lossless' | 'stored'): Promise<void> {
    const alphaKey = newSiteKey();
    const betaKey = newSiteKey();
    const publish = [
      { app: DAQ, wan },
      { app: MIRRORED, flows: ['spectra'] },
    ];
    const siteKeys = { alpha: alphaKey.publicKey, beta: betaKey.publicKey };
    alpha = await sites.startSite('alpha', {
      nats: { publish, siteKeys, signingKeyFile: sites.keyFile('alpha', alphaKey.privateKey) },
      applications: [{ name: DAQ }],
    });
    const via = `${sites.rig.server('beta').address('test')}/alpha`;
    const applications = [DAQ, MIRRORED].map((name) => ({ name, via }));
    beta = await sites.startSite('beta', {
      applications,
      nats: { siteKeys, signingKeyFile: sites.keyFile('beta', betaKey.privateKey) },
    });
  }

  async function startMirror(): Promise<void> {
    const simulator = await alpha.simulator({ channelBytes: 2 ** 22, rate: 100_000 });
    await alpha.host.run({ name: MIRRORED, source: simulator.address });
    const client = await beta.client(MIRRORED);
    await eventually(
      () => client.openInput('spectra', { inline: true }).catch(() => undefined),
      'the mirror is published',
    );
  }

  it('every buffer of a lossless flow arrives once, in order, and as it was signed, while another program forges it', async () => {
    await start('lossless');
    const provider = await alpha.client(DAQ);
    const output = await provider.openOutput('events', { bufferSize: 1024, buffers: 256 });
    const consumer = await beta.client(DAQ);
    const input = await eventually(
      () => consumer.openInput('events', { delivery: 'lossless', start: 'next' }).catch(() => undefined),
      'the flow is published',
    );
    const sent: string[] = [];
    const { epoch } = openFlowFile(join(alpha.flowDirectory, DAQ, 'events.flow'), 'read');
    const reading = readAll(input, BUFFERS);
    const forger = await connectTo(sites.rig.access('beta', 'gamma'));
    for (let number = 0; number < BUFFERS; number += 1) {
      const size = (number % 1024) + 1;
      const slot = await output.reserve();
      slot.data.fill(number % 251, 0, size);
      slot.commit(size);
      sent.push(`${number}:${size}:${number % 251}`);
      if (number % 50 === 0) forge(forger, epoch, number + 1);
    }
    expect(await reading).to.deep.equal(sent);
    await forger.close();
  });

  it('publisher, servers and receiver are killed at random: mirrors are right at every sequence, a stored flow has neither losses nor doubles', async () => {
    await start('stored');
    const flow = new NumberedFlow(alpha, DAQ, 'events', 256, 16_384, 1);
    flow.startProvider();
    await eventually(() => flow.published > 0, 'the provider publishes');
    const consumer = flow.consumer('far', 'lossless', beta);
    consumer.program.start();
    await startMirror();
    await flow.resumed([consumer]);
    let compared = 0;
    const comparing = setInterval(() => {
      try {
        compared += compareMirrors(alpha, beta) ? 1 : 0;
      } catch (error) {
        flow.problems.push(String(error));
      }
    }, 50);
    try {
      const faults = [
        async () => process.kill(await sites.natsPid('alpha'), 'SIGKILL'),
        () => sites.rig.restart('hub'),
        () => sites.rig.restart('alpha'),
        () => sites.rig.restart('beta'),
        () => killDuplicator(beta, DAQ, 'events'),
        () => killDuplicator(beta, MIRRORED, 'spectra'),
      ];
      for (let number = 0; number < FAULTS; number += 1) {
        const fault = number < faults.length ? number : Math.floor(Math.random() * faults.length);
        await faults[fault]?.();
        await flow.resumed([consumer]);
        const before = compared;
        await eventually(() => compared > before, 'the mirror is compared again');
      }
    } finally {
      clearInterval(comparing);
    }
    const totals = await flow.end();
    expect(flow.problems).to.deep.equal([]);
    expect(totals).to.include({ lost: 0, doubled: 0, torn: 0 });
    expect(compared).to.be.greaterThan(FAULTS);
  });
});

/** Publishes a false buffer `sequence`, without a signature and with a wrong one. */
function forge(connection: NatsConnection, epoch: number, sequence: number): void {
  const subject = flowChannels(new NatsSubjects('test', 'alpha'), DAQ, 'events').data;
  const batch = new BufferBatch(10_000);
  batch.add({ epoch, sequence, timestampNs: 1, slotFlags: 0, bytes: Buffer.alloc(10, 0xee) });
  const head = { bits: 0, epoch, follows: sequence, next: sequence + 1, anchor: 0, group: sequence };
  for (const parcel of encodeParcels(head, batch.take().frames, 20_000)) {
    connection.publish(subject, Buffer.concat([Buffer.of(0), parcel]));
    connection.publish(subject, Buffer.concat([Buffer.of(1), Buffer.alloc(64, 7), parcel]));
  }
}

/** Reads `count` buffers as "sequence:size:first byte". */
async function readAll(input: InputFlow, count: number): Promise<string[]> {
  const read: string[] = [];
  for await (const buffer of input) {
    read.push(`${buffer.sequence}:${buffer.size}:${buffer.bytes[0]}`);
    if (read.length >= count) break;
  }
  return read;
}

async function killDuplicator(system: RealSystem, app: string, flow: string): Promise<void> {
  const client = await system.client(app, 'killer');
  const pid = await eventually(() => system.duplicatorPid(client, flow), 'the duplicator runs');
  await client.close();
  process.kill(pid, 'SIGKILL');
}

/**
 * Compares the newest publication at beta with the one of the same sequence at alpha, in the ring
 * and, while it shows that one, in the image. False when there was nothing to compare.
 */
function compareMirrors(source: RealSystem, far: RealSystem): boolean {
  const there = mirrorFile(source);
  const here = mirrorFile(far);
  if (there === undefined || here === undefined) return false;
  const sequence = here.published - 1;
  if (sequence < 0) return false;
  const shown = imageOf(far, here, sequence);
  const received = publication(here, sequence);
  const published = publication(there, sequence);
  if (received === undefined || published === undefined) return false;
  expect(received.timestampNs).to.equal(published.timestampNs);
  expect(received.memory.equals(published.memory), `publication ${sequence}`).to.equal(true);
  if (shown !== undefined)
    expect(shown.subarray(0, published.memory.length).equals(published.memory), 'image').to.equal(true);
  return true;
}

function mirrorFile({ flowDirectory }: RealSystem): FlowFile | undefined {
  const path = join(flowDirectory, MIRRORED, 'spectra.flow');
  try {
    return existsSync(path) ? openFlowFile(path, 'read') : undefined;
  } catch {
    return undefined; // replaced just now
  }
}

/** The image, when it shows the publication before and after it was copied. */
function imageOf({ flowDirectory }: RealSystem, file: FlowFile, sequence: number): Buffer | undefined {
  const directory = join(flowDirectory, MIRRORED);
  const name = readdirSync(directory).find((one) => one.endsWith('.image'));
  const { imageGeneration } = file;
  if (name === undefined || imageGeneration % 2 === 1 || file.imageApplied !== sequence + 1) return undefined;
  const copy = Buffer.from(openImage(join(directory, name)));
  return file.imageGeneration === imageGeneration ? copy : undefined;
}

function publication(file: FlowFile, sequence: number) {
  const reader = new RingReader(file, sequence);
  const memory = Buffer.alloc(file.geometry.payloadCapacity);
  if (reader.copy(memory) !== 'ready' || reader.sequence !== sequence) return undefined;
  return { memory: memory.subarray(0, reader.size), timestampNs: reader.timestampNs };
}
