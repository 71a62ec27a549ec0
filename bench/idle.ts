/**
 * `idle`: memory and processor of every process with nothing to do, and while nothing changes at a
 * mirrored SpecTcl; beside a bare Node process. The flow file and its image are shared memory that
 * counts with every process that maps it, and stand in a row of their own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Client, type HostConnection } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { cpuSeconds, pause, residentMiB, sharedMiB, startSimulatorProcess, startSystem } from './system.js';

/** Processor time is counted in hundredths of a second. */
const MEASURE_MS = 20_000;
/** By then the pace has become calm, and what the start left behind is collected. */
const SETTLE_MS = 8_000;

export async function idle(): Promise<Row[]> {
  const { host, stop } = await startSystem();
  try {
    return [...(await nothingToDo(host)), ...(await unchanging(host))];
  } finally {
    await stop();
  }
}

async function nothingToDo(host: HostConnection): Promise<Row[]> {
  const app = await host.run({ name: 'idle' });
  const client = await connect({ app: 'idle', name: 'idle' });
  await client.openOutput('quiet', { bufferSize: 1_024, buffers: 64 });
  await client.openInput('quiet', { inline: true });
  const rows = await measured('nothing to do', host, app.pid, client);
  await client.close();
  return rows;
}

async function unchanging(host: HostConnection): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '0', '--spectra', '400']);
  try {
    const app = await host.run({ name: 'still', source: simulator.address });
    const client = await connect({ app: 'still', name: 'idle' });
    await client.getMemory();
    const rows = await measured('unchanging SpecTcl', host, app.pid, client);
    await client.close();
    return rows;
  } finally {
    await simulator.stop();
  }
}

async function measured(
  what: string,
  host: HostConnection,
  app: number | undefined,
  client: Client,
): Promise<Row[]> {
  const processes: Record<string, number> = {
    'host server': (await host.info()).pid,
    'app server': app ?? 0,
    duplicator: (await client.flows())[0]?.pid ?? 0,
  };
  await pause(SETTLE_MS);
  const before = Object.values(processes).map(cpuSeconds);
  await pause(MEASURE_MS);
  const bare = { name: 'bare Node', values: [await bareNodeMiB()] };
  const shares = Object.values(processes).map(
    (pid, index) => ((cpuSeconds(pid) - (before[index] ?? 0)) / MEASURE_MS) * 1e5,
  );
  return [
    ...Object.entries(processes).flatMap(([name, pid], index) => [
      row('idle', `${what}, ${name}: resident`, 'MiB', [residentMiB(pid) - sharedMiB(pid)], bare),
      row('idle', `${what}, ${name}: processor`, '% of core', [shares[index] ?? 0]),
    ]),
    row('idle', `${what}, duplicator: flow file and image`, 'MiB', [sharedMiB(processes['duplicator'] ?? 0)]),
    row('idle', `${what}, all three: processor`, '% of core', [
      shares.reduce((sum, share) => sum + share, 0),
    ]),
  ];
}

async function bareNodeMiB(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("ready")'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const resident = residentMiB(child.pid ?? 0);
  child.stdin.end();
  await once(child, 'exit');
  return resident;
}
