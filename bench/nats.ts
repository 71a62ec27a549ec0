/**
 * A mirror of 8 MiB of which 5 % change ten times a second, sent over NATS to an institute behind
 * 10 Mbit/s and 50 ms, beside the same mirror from host to host without limits; and what further
 * receivers cost the source. Started by `main.ts`. Starts NATS servers, hosts and a simulator.
 */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../client-lib/index.js';
import { parseNatsAddress } from '../protocol/nats/address.js';
import { connectNats } from '../protocol/nats/connection.js';
import { flowChannels } from '../protocol/nats/flow-channels.js';
import { NatsSubjects } from '../protocol/nats/subjects.js';
import { natsServerProgram, startNatsServers, type NatsServers } from './nats-servers.js';
import { makeRow, median, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, startSystem, type BenchSystem } from './system.js';
import { startTwoHosts } from './two-hosts.js';

const SIMULATOR = ['--memory', '8', '--spectra', '400', '--sparse', '5', '--no-checksum'];
const APP = 'bench';
const FLOW = 'spectra';
const PREFIX = 'bench';
const LAB = 'lab';
const INSTITUTE = 'institute';
const LINK = { bitsPerSecond: 10_000_000, delayMs: 50 };
const CASE = '8 MiB, 5 % of blocks change, 10 Hz, to a site behind 10 Mbit/s and 50 ms';
const PEER = 'host to host, no limit';
const WARM_UP = 10;
const PUBLICATIONS = 60;
const FURTHER_RECEIVERS = 99;
const OPEN_WITHIN_MS = 30_000;
const TAKE_WITHIN_MS = 10_000;
const KIB = 1024;

interface Received {
  readonly perSecond: number;
  readonly seconds: number;
  /** Age of each publication at its arrival, milliseconds. */
  readonly agesMs: readonly number[];
}

export async function nats(settings: BenchSettings): Promise<Row[]> {
  const program = natsServerProgram();
  if (program === undefined) {
    process.stdout.write('nats: not measured, since nats-server is not installed\n');
    return [];
  }
  const repetitions = Array.from({ length: settings.repeats });
  const direct = await fromHostToHost(repetitions.length);
  const simulator = await startSimulatorProcess(SIMULATOR);
  const servers = await startNatsServers(program, LAB, INSTITUTE, LINK);
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const systems: BenchSystem[] = [];
  const start = async (site: string, server: string, more: object): Promise<BenchSystem> => {
    const file = join(directory, `${site}.json`);
    const address = `nats://${server}/${PREFIX}`;
    writeFileSync(file, JSON.stringify({ nats: { address, site, domain: LAB, ...more } }));
    const system = await startSystem(['--host-name', site, '--config', file, '--log-level', 'error']);
    systems.push(system);
    return system;
  };
  try {
    const publish = [{ app: APP, flows: [FLOW] }];
    const lab = await start(LAB, `127.0.0.1:${servers.source.port}`, { publish });
    await lab.host.run({ name: APP, source: simulator.address });
    const institute = await start(INSTITUTE, servers.leaf, {});
    await institute.host.run({ name: APP, via: `nats://${servers.leaf}/${PREFIX}/${LAB}` });
    const client = await connect({ app: APP, name: 'there', directory: institute.directory });
    await opened(client);
    await receive(client, WARM_UP);
    const rates: number[] = [];
    const ages: number[] = [];
    const linkKib: number[] = [];
    const sourceKib: number[] = [];
    for (const _ of repetitions) {
      const before = {
        link: servers.link.receivedBytes + servers.link.sentBytes,
        source: servers.source.sentBytes,
      };
      const { perSecond, seconds, agesMs } = await receive(client, PUBLICATIONS);
      rates.push(perSecond);
      ages.push(median(agesMs));
      linkKib.push((servers.link.receivedBytes + servers.link.sentBytes - before.link) / KIB / PUBLICATIONS);
      sourceKib.push((servers.source.sentBytes - before.source) / KIB / seconds);
    }
    const manyKib = await withFurtherReceivers(servers, client, repetitions.length);
    await client.close();
    const peer = (values: readonly number[]) => ({ name: PEER, values });
    return [
      makeRow('nats', `${CASE}: publications`, '/s', rates, peer(direct.rates)),
      makeRow('nats', `${CASE}: age at arrival`, 'ms', ages, peer(direct.ages)),
      makeRow('nats', `${CASE}: on the link, per publication`, 'KiB', linkKib, peer(direct.kib)),
      makeRow('nats', 'sent by the source for 100 receivers', 'KiB/s', manyKib, {
        name: 'for 1 receiver',
        values: sourceKib,
      }),
    ];
  } finally {
    for (const system of systems.toReversed()) await system.stop();
    await servers.stop();
    await simulator.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same measurement with a direct link between the hosts. */
async function fromHostToHost(repetitions: number) {
  const simulator = await startSimulatorProcess(SIMULATOR);
  const { a, b, waitForApplication, stop } = await startTwoHosts();
  try {
    await a.host.run({ name: APP, source: simulator.address });
    await waitForApplication(APP);
    await b.host.run({ name: APP, via: 'a' });
    const receiver = await connect({ app: APP, name: 'there', directory: b.directory });
    const sender = await connect({ app: APP, name: 'here', directory: a.directory });
    await opened(receiver);
    await receive(receiver, WARM_UP);
    const sent = async (): Promise<number> => (await sender.statistics(FLOW))['sentBytes'] ?? 0;
    const result = { rates: [] as number[], ages: [] as number[], kib: [] as number[] };
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      const before = await sent();
      const { perSecond, agesMs } = await receive(receiver, PUBLICATIONS);
      result.rates.push(perSecond);
      result.ages.push(median(agesMs));
      result.kib.push(((await sent()) - before) / KIB / PUBLICATIONS);
    }
    await Promise.all([sender.close(), receiver.close()]);
    return result;
  } finally {
    await stop();
    await simulator.stop();
  }
}

/** Receivers that take everything live, at the institute. */
async function withFurtherReceivers(
  { leaf, source }: NatsServers,
  client: Client,
  repetitions: number,
): Promise<number[]> {
  const access = { address: parseNatsAddress(`nats://${leaf}/${PREFIX}`), site: INSTITUTE, tls: false };
  const { live } = flowChannels(new NatsSubjects(PREFIX, LAB), APP, FLOW);
  const connections = await Promise.all(
    Array.from({ length: FURTHER_RECEIVERS }, () => connectNats(access, 'further receiver')),
  );
  for (const connection of connections) connection.subscribe(live, { callback: () => undefined });
  try {
    const kib: number[] = [];
    await receive(client, WARM_UP);
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      const before = source.sentBytes;
      const { seconds } = await receive(client, PUBLICATIONS);
      kib.push((source.sentBytes - before) / KIB / seconds);
    }
    return kib;
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

async function receive(client: Client, count: number): Promise<Received> {
  const input = await client.openInput(FLOW, { inline: true, delivery: 'lossy', start: 'next' });
  const agesMs: number[] = [];
  let beganMs = 0;
  for (let taken = 0; taken <= count; taken += 1) {
    const buffer = await input.take({ timeoutMs: TAKE_WITHIN_MS });
    if (buffer === undefined) throw new Error(`no publication of the mirror within ${TAKE_WITHIN_MS} ms`);
    if (taken === 0) beganMs = performance.now();
    else agesMs.push(Date.now() - buffer.timestampNs / 1e6);
    buffer.release();
  }
  const seconds = (performance.now() - beganMs) / 1000;
  await input.close();
  return { perSecond: count / seconds, seconds, agesMs };
}

/** Opens the mirror as soon as it can be opened here, and keeps it open. */
async function opened(client: Client): Promise<void> {
  const deadlineMs = performance.now() + OPEN_WITHIN_MS;
  for (;;) {
    try {
      await client.openInput(FLOW, { inline: true, delivery: 'lossy', start: 'next' });
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await pause(200);
    }
  }
}
