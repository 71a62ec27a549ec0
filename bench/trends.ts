/**
 * `trends`: processor time of the web viewer with 100 trends of a SpecTcl that publishes ten times
 * a second, without any page, beside the same viewer without trends. Starts a real system; reads
 * /proc and the log of the viewer.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { cpuSeconds, pause, residentMiB, sharedMiB, startSimulatorProcess, startSystem } from './system.js';

/** Long, since processor time comes in ticks of 10 ms. */
const MEASURE_MS = 40_000;
const SETTLE_MS = 5_000;
const TRENDS = 100;
const APP = 'bench';

export async function trends(): Promise<Row[]> {
  const state = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-state-'));
  process.env['MIRRORFLOW_STATE_DIR'] = state;
  process.env['MIRRORFLOW_WEB'] = 'tcp://127.0.0.1:0';
  const simulator = await startSimulatorProcess(['--rate', '20000', '--interval', '100', '--spectra', '189']);
  const { host, directory, stop } = await startSystem();
  try {
    await host.run({ name: APP, source: simulator.address, updateIntervalMs: 100 });
    let address: string | undefined;
    while (address === undefined) {
      await pause(50);
      address = (await host.info()).web;
    }
    const client = await connect({ app: APP, name: 'bench' });
    const mirror = await client.mirror();
    const names = mirror.spectra.list().map(({ name }) => name);
    const pid = viewerPid(directory);
    const without = await processorShare(pid);
    const residentBefore = residentMiB(pid) - sharedMiB(pid);
    for (let index = 0; index < TRENDS; index += 1) {
      await addTrend(address, `trend ${index}`, names[index % names.length] ?? '');
    }
    const published = mirror.published;
    const share = await processorShare(pid);
    const updates = ((mirror.published - published) * 1_000) / (MEASURE_MS + SETTLE_MS);
    await client.close();
    return [
      makeRow('trends', `${TRENDS} trends, no page: processor`, '% of core', [share], {
        name: 'no trends',
        values: [without],
      }),
      makeRow('trends', `${TRENDS} trends, no page: memory`, 'MiB', [residentMiB(pid) - sharedMiB(pid)], {
        name: 'no trends',
        values: [residentBefore],
      }),
      makeRow('trends', 'updates of the source', '1/s', [updates]),
    ];
  } finally {
    await stop();
    await simulator.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

async function processorShare(pid: number): Promise<number> {
  await pause(SETTLE_MS);
  const before = cpuSeconds(pid);
  await pause(MEASURE_MS);
  return ((cpuSeconds(pid) - before) / MEASURE_MS) * 1e5;
}

async function addTrend(address: string, name: string, spectrum: string): Promise<void> {
  const trend = { source: { kind: 'spectrum', spectrum }, thresholds: [] };
  const answer = await fetch(`${address}api/trend`, {
    method: 'POST',
    headers: { Origin: address.replace(/\/$/, '') },
    body: JSON.stringify({ app: APP, name, trend }),
  });
  if (!answer.ok) throw new Error(`the viewer refused a trend: ${await answer.text()}`);
  await answer.body?.cancel();
}

/** From the line that the viewer prints when it listens. */
function viewerPid(directory: string): number {
  const lines = readFileSync(join(directory, 'logs', 'web.log'), 'utf8').split('\n');
  const ready = lines.find((line) => line.startsWith('{"ready":true')) ?? '{}';
  return (JSON.parse(ready) as { pid: number }).pid;
}
