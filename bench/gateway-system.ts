/**
 * The system that the benchmark `gateway` measures: a simulated SpecTcl, and an application with a
 * gateway of it. Starts and stops processes; creates and removes a directory.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Client } from '../client-lib/index.js';
import { pause, startSimulatorProcess, startSystem, type BenchSimulator } from './system.js';

const POLL_INTERVAL_MS = 20;
const MIB = 2 ** 20;
const APP = 'bench';

/** Memory and activity of a simulated SpecTcl. */
export interface GatewayCase {
  readonly mebibytes: number;
  readonly options: readonly string[];
  /** Who may read the application; `private` unless stated. */
  readonly mode?: 'private' | 'everyone';
}

/** The services of the gateway or of the source, and the process that has them. */
export interface Services {
  readonly pid: number;
  readonly restPort: number;
  readonly mirrorPort: number;
}

const BUSY: GatewayCase = {
  mebibytes: 8,
  options: ['--spectra', '400', '--no-checksum', '--rate', '20000', '--interval', '20', '--no-delay'],
};

/** Runs `measure` with a simulator and a gateway of it. */
export async function withGateway<T>(
  { mebibytes, options, mode = 'private' }: GatewayCase,
  measure: (gateway: Services, simulator: BenchSimulator, client: Client) => Promise<T>,
): Promise<T> {
  const simulator = await startSimulatorProcess(['--memory', String(mebibytes), ...options]);
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const configuration = join(directory, 'host.json');
  const gateway = { restPort: 0, mirrorPort: 0 };
  // Access can be stated in a configuration file only.
  const application = { name: APP, source: simulator.address, gateway, access: { mode } };
  writeFileSync(configuration, JSON.stringify({ applications: [application] }));
  const { host, stop } = await startSystem(['--config', configuration]);
  try {
    const client = await connect({ app: APP, name: 'bench' });
    const measured = await measure(await gatewayOf(client), simulator, client);
    await client.close();
    await host.stop(APP);
    return measured;
  } finally {
    await stop();
    await simulator.stop();
    rmSync(directory, { recursive: true });
  }
}

/** Waits for a gateway that serves. */
async function gatewayOf(client: Client): Promise<Services> {
  for (;;) {
    const { pid, restPort, mirrorPort } = (await client.appInfo()).gateway ?? {};
    if (pid !== undefined && restPort !== undefined && mirrorPort !== undefined)
      return { pid, restPort, mirrorPort };
    await pause(POLL_INTERVAL_MS);
  }
}

export function withBusyGateway<T>(
  measure: (gateway: Services, simulator: BenchSimulator, channelBytes: number) => Promise<T>,
  access: Pick<GatewayCase, 'mode'> = {},
): Promise<T> {
  return withGateway({ ...BUSY, ...access }, (services, simulator) =>
    measure(services, simulator, BUSY.mebibytes * MIB),
  );
}
