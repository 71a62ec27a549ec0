/**
 * Threads that a mirror costs SpecTcl: at the end of a connection's stream SpecTcl can lose the
 * thread that served it, when another connection arrives at that moment. The simulator counts such
 * threads, with a moment of 10 ms instead of some microseconds. Beside the mirror a client that
 * closes its connections with FIN and connects again at once. Rows of the benchmark `spectcl`;
 * starts a simulator and a duplicator without servers.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath } from '../protocol/base/installation.js';
import { duplicatorArguments, type DuplicatorDocument } from '../protocol/rpc/contract/duplicator-options.js';
import {
  decodeMirrorHeader,
  encodeRequestUpdate,
  MIRROR_HEADER_BYTES,
} from '../protocol/spectcl/mirror-messages.js';
import { SpecTclRest } from '../protocol/spectcl/rest-client.js';
import { makeRow, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, type BenchSimulator } from './system.js';

const REOPENINGS = 1_000;
const KILLS = 100;
/** Connections of the peer. */
const PEER_CONNECTIONS = 100;
/** Interval of the reopenings, milliseconds: long enough for two updates. */
const FULL_INTERVAL_MS = 30;
/** The duplicator runs without a client. */
const LINGER_MS = 3_600_000;
const POLL_INTERVAL_MS = 10;
/** Longest time to the next connection. */
const CONNECTION_TIMEOUT_MS = 20_000;
const TITLES = {
  reopenings: `threads lost by SpecTcl per ${REOPENINGS} reopened connections`,
  kills: `threads lost by SpecTcl per ${KILLS} kills of the duplicator`,
} as const;

export async function measureLostThreads(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  if (isSelected(settings, TITLES.reopenings)) rows.push(await measure('reopenings', loseByReopening));
  if (isSelected(settings, TITLES.kills)) rows.push(await measure('kills', loseByKilling));
  return rows;
}

type Measurement = (source: MirroredSimulator) => Promise<number>;

async function measure(what: keyof typeof TITLES, lose: Measurement): Promise<Row> {
  const simulator = await startSimulatorProcess([
    '--memory', '0.5', '--spectra', '8', '--fillers-only', '--interval', '5',
  ]); // prettier-ignore
  const source = new MirroredSimulator(simulator);
  try {
    const lost = await lose(source);
    const peer = what === 'reopenings' ? REOPENINGS : KILLS;
    const peerLost = (await source.loseByReconnecting()) * (peer / PEER_CONNECTIONS);
    return makeRow('spectcl', TITLES[what], 'threads', [lost], {
      name: 'FIN, and the next connection at once',
      values: [peerLost],
    });
  } finally {
    await source.close();
    await simulator.stop();
  }
}

async function loseByReopening(source: MirroredSimulator): Promise<number> {
  source.startDuplicator({ fullIntervalMs: FULL_INTERVAL_MS, updateIntervalMs: 5 });
  for (let connections = 0; connections < REOPENINGS;)
    connections = await source.connectionsBeyond(connections);
  await source.stopDuplicator('SIGTERM');
  return source.lostThreads();
}

/** Each successor starts as soon as the killed process has ended. */
async function loseByKilling(source: MirroredSimulator): Promise<number> {
  for (let kill = 0; kill < KILLS; kill += 1) {
    source.startDuplicator();
    await source.connectionsBeyond(kill);
    await source.stopDuplicator('SIGKILL');
  }
  await pause(POLL_INTERVAL_MS * 10);
  return source.lostThreads();
}

/** A simulator, and the duplicator that mirrors it. */
class MirroredSimulator {
  readonly #simulator: BenchSimulator;
  readonly #rest: SpecTclRest;
  readonly #directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  readonly #flowDirectory = mkdtempSync('/dev/shm/mirrorflow-bench-');
  #duplicator: ChildProcess | undefined;

  constructor(simulator: BenchSimulator) {
    this.#simulator = simulator;
    this.#rest = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort });
  }

  startDuplicator(settings: Partial<DuplicatorDocument> = {}): void {
    const args = duplicatorArguments({
      flow: 'spectra',
      direction: 'input',
      source: this.#simulator.address,
      options: {
        application: 'bench',
        directory: this.#directory,
        flowDirectory: this.#flowDirectory,
        lingerMs: LINGER_MS,
        ...settings,
      },
    });
    this.#duplicator = spawn(process.execPath, [programPath('duplicator'), ...args], { stdio: 'ignore' });
  }

  async stopDuplicator(signal: NodeJS.Signals): Promise<void> {
    const duplicator = this.#duplicator;
    this.#duplicator = undefined;
    if (duplicator === undefined || duplicator.exitCode !== null) return;
    const exit = once(duplicator, 'exit');
    duplicator.kill(signal);
    await exit;
  }

  /** Resolves with the number of mirror connections so far when it exceeds `count`. */
  async connectionsBeyond(count: number): Promise<number> {
    const deadline = performance.now() + CONNECTION_TIMEOUT_MS;
    for (;;) {
      const connections = await this.#variable('SimulatorConnections');
      if (connections > count) return connections;
      if (performance.now() > deadline)
        throw new Error(`no further connection after ${count} within ${CONNECTION_TIMEOUT_MS} ms`);
      await pause(POLL_INTERVAL_MS);
    }
  }

  lostThreads(): Promise<number> {
    return this.#variable('SimulatorLostThreads');
  }

  /** Threads lost by connections that end with FIN before the next one. */
  async loseByReconnecting(): Promise<number> {
    const before = await this.lostThreads();
    for (let connection = 0; connection < PEER_CONNECTIONS; connection += 1)
      await receiveOneUpdate(this.#simulator.mirrorPort);
    return (await this.lostThreads()) - before;
  }

  async close(): Promise<void> {
    await this.stopDuplicator('SIGTERM');
    this.#rest.close();
    for (const path of [this.#directory, this.#flowDirectory]) rmSync(path, { recursive: true, force: true });
  }

  async #variable(name: string): Promise<number> {
    return Number((await this.#rest.variables())[name]);
  }
}

/** Connects, receives one update whole and closes the connection with FIN. */
async function receiveOneUpdate(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  socket.write(encodeRequestUpdate());
  let header = Buffer.alloc(0);
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received += chunk.byteLength;
    if (header.byteLength < MIRROR_HEADER_BYTES) header = Buffer.concat([header, chunk]);
    if (header.byteLength >= MIRROR_HEADER_BYTES && received >= decodeMirrorHeader(header).size) break;
  }
  socket.destroy();
}
