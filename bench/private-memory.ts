/**
 * The rows `memory` of the benchmark `idle`: what the processes of a system keep for themselves
 * beyond a bare Node of the same version, and what 100 flows take in all; without flow files and
 * images, which are the data. After the start, and after some use. Starts a real system; reads
 * /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client, type HostConnection } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { pause, startSimulatorProcess, startSystem } from './system.js';

/** Compiled code is kept, and V8 has collected garbage, twice: see process-kit/settle.ts. */
const SETTLE_MS = 25_000;
const POLL_INTERVAL_MS = 50;
/** Calls and connections of "some use". */
const USES = 300;
const FLOWS = 100;
const APP = 'memory';

interface Memory {
  readonly privateMiB: number;
  /** Pages of files that several processes can share: Node and libraries. */
  readonly sharedMiB: number;
}

export async function measureMemory(): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '0', '--spectra', '400']);
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const configuration = join(directory, 'host.json');
  const gateway = { restPort: 0, mirrorPort: 0 };
  const applications = [{ name: APP, source: simulator.address, gateway }];
  writeFileSync(configuration, JSON.stringify({ applications }));
  const { host, stop } = await startSystem(['--config', configuration, '--web', 'tcp://127.0.0.1:0']);
  try {
    const client = await connect({ app: APP, name: 'bench' });
    await client.getMemory();
    const rows = await measureProcesses(host, client);
    await client.close();
    return rows;
  } finally {
    await stop();
    await simulator.stop();
    rmSync(directory, { recursive: true });
  }
}

async function measureProcesses(host: HostConnection, client: Client): Promise<Row[]> {
  const output = await client.openOutput('quiet', { bufferSize: 1_024, buffers: 64 });
  const processes = await processesOf(host, client);
  await pause(SETTLE_MS);
  const bare = await bareNode();
  const started = aboveBare('after the start', processes, bare);
  for (let use = 0; use < USES; use += 1) {
    await host.info();
    await client.flows();
    if (use % 20 === 0) await (await connect({ app: APP, name: `use${use}` })).close();
    await output.write(Buffer.from('used'));
    await (await fetch((await host.info()).web ?? '')).arrayBuffer();
  }
  await pause(SETTLE_MS);
  const used = aboveBare('after use', processes, bare);
  return [...started, ...used, await measureFlows(host, client)];
}

async function measureFlows(host: HostConnection, client: Client): Promise<Row> {
  const options = { bufferSize: 1_024, buffers: 64 };
  for (let index = 1; index < FLOWS; index += 1) await client.openOutput(`flow${index}`, options);
  await pause(SETTLE_MS);
  const { 'app server': appServer = 0, 'host server': hostServer = 0 } = await processesOf(host, client);
  const duplicators = (await client.flows()).map(({ pid }) => pid ?? 0);
  const memories = [hostServer, appServer, ...duplicators].map(memoryOf);
  const total = memories.reduce((sum, { privateMiB }) => sum + privateMiB, 0);
  const shared = Math.max(...memories.map(({ sharedMiB }) => sharedMiB));
  return makeRow('idle', `memory, ${FLOWS} flows: all their processes`, 'MiB', [total + shared]);
}

async function processesOf(host: HostConnection, client: Client): Promise<Record<string, number>> {
  const hostServer = (await host.info()).pid;
  while ((await host.info()).web === undefined) await pause(POLL_INTERVAL_MS);
  let gateway: number | undefined;
  while (gateway === undefined) {
    gateway = (await client.appInfo()).gateway?.pid;
    if (gateway === undefined) await pause(POLL_INTERVAL_MS);
  }
  const flows = await client.flows();
  const pidOf = (name: string): number => flows.find(({ flow }) => flow === name)?.pid ?? 0;
  return {
    'host server': hostServer,
    web: childOf(hostServer, /web(\.cjs|\/main\.js)/),
    'app server': childOf(hostServer, /app-server(\.cjs|\/main\.js)/),
    gateway,
    'duplicator of a program': pidOf('quiet'),
    'duplicator of a mirror': pidOf('spectra'),
  };
}

function childOf(parent: number, command: RegExp): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [status, line] = ['status', 'cmdline'].map((name) => readIfThere(`/proc/${pid}/${name}`));
    if (status?.includes(`\nPPid:\t${parent}\n`) === true && command.test(line ?? '')) return Number(pid);
  }
  throw new Error(`process ${parent} has no child ${command.source}`);
}

/** Undefined: the process has ended meanwhile. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function aboveBare(when: string, processes: Record<string, number>, bare: Memory): Row[] {
  return Object.entries(processes).map(([name, pid]) => {
    const above = memoryOf(pid).privateMiB - bare.privateMiB;
    return makeRow('idle', `memory, ${name}, ${when}: private above a bare Node`, 'MiB', [above]);
  });
}

async function bareNode(): Promise<Memory> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("ready")'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
  });
  await once(child.stdout, 'data');
  const memory = memoryOf(child.pid ?? 0);
  child.stdin.end();
  await once(child, 'exit');
  return memory;
}

/** Without mappings of flow files, images and System V segments. */
function memoryOf(pid: number): Memory {
  let isData = false;
  const kib = { Private: 0, Shared: 0 };
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'latin1').split('\n')) {
    const [, kind, value] = /^(Private|Shared)_(?:Clean|Dirty):\s+(\d+) kB/.exec(line) ?? [];
    if (/^[0-9a-f]+-/.test(line)) isData = line.includes(' /dev/shm/') || line.includes(' /SYSV');
    else if (!isData && (kind === 'Private' || kind === 'Shared')) kib[kind] += Number(value);
  }
  return { privateMiB: kib.Private / 1_024, sharedMiB: kib.Shared / 1_024 };
}
