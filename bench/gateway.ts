/**
 * `gateway`: updates a second that a bare client of SpecTcl's mirror protocol receives through the
 * gateway, beside the same client at the source, in turns against the same simulator; and the
 * processor time that 32 clients of the gateway cost the source. Starts a real system; reads /proc.
 */
import { connect } from '../client-lib/index.js';
import { bareUpdatesPerSecond } from './spectcl-peers.js';
import { makeRow, type Row } from './report.js';
import { cpuSeconds, pause, startSimulatorProcess, startSystem } from './system.js';

const MEASURE_MS = 1_500;
const REPETITIONS = 5;
const MEMORY_MIB = 8;
const CLIENTS = 32;
const POLL_INTERVAL_MS = 20;

export async function gateway(): Promise<Row[]> {
  const simulator = await startSimulatorProcess([
    '--memory', String(MEMORY_MIB), '--spectra', '400', '--no-checksum', '--rate', '20000', '--interval', '20', '--no-delay',
  ]); // prettier-ignore
  const { host, stop } = await startSystem();
  try {
    await host.run({ name: 'bench', source: simulator.address, gateway: { restPort: 0, mirrorPort: 0 } });
    const client = await connect({ app: 'bench', name: 'bench' });
    let mirrorPort = 0;
    while (mirrorPort === 0) {
      mirrorPort = (await client.appInfo()).gateway?.mirrorPort ?? 0;
      await pause(POLL_INTERVAL_MS);
    }
    const capacity = MEMORY_MIB * 2 ** 20;
    const through: number[] = [];
    const direct: number[] = [];
    const cpuOfOne: number[] = [];
    const cpuOfMany: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
      direct.push(await bareUpdatesPerSecond(simulator.mirrorPort, capacity, MEASURE_MS));
      let before = cpuSeconds(simulator.pid);
      through.push(await bareUpdatesPerSecond(mirrorPort, capacity, MEASURE_MS));
      cpuOfOne.push(((cpuSeconds(simulator.pid) - before) / MEASURE_MS) * 100_000);
      before = cpuSeconds(simulator.pid);
      const many = Array.from({ length: CLIENTS }, () =>
        bareUpdatesPerSecond(mirrorPort, capacity, MEASURE_MS),
      );
      await Promise.all(many);
      cpuOfMany.push(((cpuSeconds(simulator.pid) - before) / MEASURE_MS) * 100_000);
    }
    await client.close();
    await host.stop('bench');
    return [
      makeRow('gateway', '8 MiB: updates back to back', '1/s', through, {
        name: 'at the source',
        values: direct,
      }),
      makeRow('gateway', `8 MiB: CPU of the source with ${CLIENTS} clients`, '%', cpuOfMany, {
        name: 'with 1 client',
        values: cpuOfOne,
      }),
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}
