/**
 * `idle`: memory and processor time of host server, app server and duplicator with nothing to do,
 * and while nothing changes at a mirrored SpecTcl, beside a bare Node process. Flow file and image
 * are shared memory, which Linux counts for every process that maps it: they have a row of their
 * own. private-memory.ts measures what each keeps for itself. Starts a real system; reads /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Client, type HostConnection } from '../client-lib/index.js';
import { measureMemory } from './private-memory.js';
import { makeRow, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { cpuSeconds, pause, residentMiB, sharedMiB, startSimulatorProcess, startSystem } from './system.js';

/** Long, since processor time comes in ticks of 10 ms. */
const MEASURE_MS = 20_000;
/** Time for update intervals to become long and for the garbage of the start to be collected. */
const SETTLE_MS = 8_000;

const CASES = ['processor time', 'memory'] as const;

export async function idle(settings: BenchSettings): Promise<Row[]> {
  const [processor, memory] = CASES;
  return [
    ...(isSelected(settings, processor) ? await settings.run.measure(processor, measureProcessor) : []),
    ...(isSelected(settings, memory) ? await settings.run.measure(memory, measureMemory) : []),
  ];
}

async function measureProcessor(): Promise<Row[]> {
  const { host, stop } = await startSystem();
  try {
    return [...(await measureIdle(host)), ...(await measureUnchangingSource(host))];
  } finally {
    await stop();
  }
}

async function measureIdle(host: HostConnection): Promise<Row[]> {
  const app = await host.run({ name: 'idle' });
  const client = await connect({ app: 'idle', name: 'idle' });
  await client.openOutput('quiet', { bufferSize: 1_024, buffers: 64 });
  await client.openInput('quiet', { inline: true });
  const rows = await measureProcesses('nothing to do', host, app.pid, client);
  await client.close();
  return rows;
}

async function measureUnchangingSource(host: HostConnection): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '0', '--spectra', '400']);
  try {
    const app = await host.run({ name: 'still', source: simulator.address });
    const client = await connect({ app: 'still', name: 'idle' });
    await client.getMemory();
    const rows = await measureProcesses('unchanging SpecTcl', host, app.pid, client);
    await client.close();
    return rows;
  } finally {
    await simulator.stop();
  }
}

async function measureProcesses(
  title: string,
  host: HostConnection,
  appServerPid: number | undefined,
  client: Client,
): Promise<Row[]> {
  const processes: Record<string, number> = {
    'host server': (await host.info()).pid,
    'app server': appServerPid ?? 0,
    duplicator: (await client.flows())[0]?.pid ?? 0,
  };
  await pause(SETTLE_MS);
  const before = Object.values(processes).map(cpuSeconds);
  await pause(MEASURE_MS);
  const bare = { name: 'bare Node', values: [await bareNodeMiB()] };
  const cpuShares = Object.values(processes).map(
    (pid, index) => ((cpuSeconds(pid) - (before[index] ?? 0)) / MEASURE_MS) * 1e5,
  );
  return [
    ...Object.entries(processes).flatMap(([name, pid], index) => [
      makeRow('idle', `${title}, ${name}: resident`, 'MiB', [residentMiB(pid) - sharedMiB(pid)], bare),
      makeRow('idle', `${title}, ${name}: processor`, '% of core', [cpuShares[index] ?? 0]),
    ]),
    makeRow('idle', `${title}, duplicator: flow file and image`, 'MiB', [
      sharedMiB(processes['duplicator'] ?? 0),
    ]),
    makeRow('idle', `${title}, all three: processor`, '% of core', [
      cpuShares.reduce((sum, share) => sum + share, 0),
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
