/**
 * `flood`: what a flood of connections on every port of a system costs a flow of others on the same
 * machine, beside the same flood on bare servers that read and discard, and beside none. Floods the
 * ports of host server, app server, gateway and a sending duplicator. Starts a real system.
 */
import { connect } from '../client-lib/index.js';
import { perSecond } from '../protocol/base/rates.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { startDuplicatorPair, type DuplicatorPair } from './duplicator-pair.js';
import type { FlooderSettings } from './programs/flooder.js';
import type { Sample } from './programs/sample.js';
import type { TcpEndSettings } from './programs/tcp-ends.js';
import { makeRowPerPeer, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, startSystem } from './system.js';

/** Bytes of a buffer, and buffers of the ring. */
const SIZE = 64 * 1024;
const BUFFERS = 64;
const CONNECTIONS_PER_SECOND = 100;
const WARM_UP_MS = 3_000;
const MEASURE_MS_MIN = 5_000;
/** Until the connections of a flood are gone. */
const SETTLE_MS = 1_000;
const POLL_INTERVAL_MS = 20;

export async function flood(settings: BenchSettings): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--memory', '8', '--spectra', '400', '--no-checksum']);
  const { host, stop } = await startSystem();
  const pair = await startDuplicatorPair(SIZE, BUFFERS);
  const programs: BenchProcess[] = [];
  try {
    const app = await host.run({
      name: 'bench',
      source: simulator.address,
      gateway: { restPort: 0, mirrorPort: 0 },
    });
    const ours = [(await host.info()).port, app.port ?? 0, ...(await gatewayPorts()), pair.port];
    const discarding = await startDiscardServers(ours.length, programs);
    const consumer = await startStream(pair, programs);
    await pause(WARM_UP_MS);
    const figures = { flooded: [] as number[], discarded: [] as number[], quiet: [] as number[] };
    for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
      figures.quiet.push(await measure(consumer, settings.durationMs));
      figures.discarded.push(await measureDuring(consumer, discarding, settings.durationMs));
      figures.flooded.push(await measureDuring(consumer, ours, settings.durationMs));
    }
    const title = `64 KiB: a flow during ${CONNECTIONS_PER_SECOND} connections a second to each of ${ours.length} ports`;
    return makeRowPerPeer('flood', title, 'GB/s', figures.flooded, [
      { name: 'to discard servers', values: figures.discarded },
      { name: 'no flood', values: figures.quiet },
    ]);
  } finally {
    await stopAll(programs);
    await pair.stop();
    await stop();
    await simulator.stop();
  }
}

async function gatewayPorts(): Promise<number[]> {
  const client = await connect({ app: 'bench', name: 'bench' });
  try {
    for (;;) {
      const { restPort = 0, mirrorPort = 0 } = (await client.appInfo()).gateway ?? {};
      if (restPort > 0 && mirrorPort > 0) return [restPort, mirrorPort];
      await pause(POLL_INTERVAL_MS);
    }
  } finally {
    await client.close();
  }
}

async function startDiscardServers(count: number, programs: BenchProcess[]): Promise<number[]> {
  const ports: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const server = await BenchProcess.start('discard-server');
    programs.push(server);
    ports.push(await server.request<number>('port'));
  }
  return ports;
}

/** A provider and a consumer of the pair; resolves with the consumer. */
async function startStream(
  { sender, receiver, senderFile, receiverFile }: DuplicatorPair,
  programs: BenchProcess[],
): Promise<BenchProcess> {
  const sizes = { size: SIZE, buffers: BUFFERS };
  const ends: TcpEndSettings[] = [
    { role: 'consume', file: receiverFile, link: receiver.link, ...sizes },
    { role: 'provide', file: senderFile, link: sender.providerLink, ...sizes },
  ];
  const started: BenchProcess[] = [];
  for (const end of ends) started.push(await BenchProcess.start('tcp-ends', end));
  programs.push(...started);
  const [consumer] = started;
  if (consumer === undefined) throw new Error('no consumer was started');
  return consumer;
}

async function measureDuring(
  consumer: BenchProcess,
  ports: readonly number[],
  durationMs: number,
): Promise<number> {
  const settings: FlooderSettings = { ports, connectionsPerSecond: CONNECTIONS_PER_SECOND };
  const flooder = await BenchProcess.start('flooder', settings);
  try {
    return await measure(consumer, durationMs);
  } finally {
    await flooder.stop();
    await pause(SETTLE_MS);
  }
}

async function measure(consumer: BenchProcess, durationMs: number): Promise<number> {
  const before = await consumer.request<Sample>('sample');
  await pause(Math.max(MEASURE_MS_MIN, durationMs));
  const after = await consumer.request<Sample>('sample');
  return perSecond((after.bytes - before.bytes) / 1e9, after.atMs - before.atMs);
}
