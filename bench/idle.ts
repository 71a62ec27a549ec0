/** `idle`: memory and processor of every process while nothing changes at the source. */
import { connect } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { cpuSeconds, pause, residentMiB, startSimulatorProcess, startSystem } from './system.js';

const MEASURE_MS = 10_000;

export async function idle(): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '0', '--spectra', '400']);
  const { host, stop } = await startSystem();
  try {
    const app = await host.run({ name: 'idle', source: simulator.address });
    const client = await connect({ app: 'idle', name: 'idle' });
    await client.getMemory();
    const processes: Record<string, number> = {
      'host server': (await host.info()).pid,
      'app server': app.pid ?? 0,
      duplicator: (await client.flows())[0]?.pid ?? 0,
    };
    await pause(2_000); // the pace has become calm by then
    const before = Object.values(processes).map(cpuSeconds);
    await pause(MEASURE_MS);
    const rows = Object.entries(processes).flatMap(([name, pid], index) => [
      row('idle', `${name}: resident`, 'MiB', [residentMiB(pid)]),
      row('idle', `${name}: processor`, '% of core', [
        ((cpuSeconds(pid) - (before[index] ?? 0)) / MEASURE_MS) * 1e5,
      ]),
    ]);
    await client.close();
    return rows;
  } finally {
    await stop();
    await simulator.stop();
  }
}
