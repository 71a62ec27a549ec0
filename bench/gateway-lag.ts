/**
 * How late a viewer sees what changed at the source: the time from a request that changes the
 * simulator's memory to the end of the update that has it, for a viewer of the gateway and for one
 * at the source, which both ask back to back. The mirror's interval is the default, which follows
 * the source. Rows of the benchmark `gateway`; starts real systems.
 */
import { SpecTclRest } from '../protocol/spectcl/rest-client.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { withGateway, type GatewayCase } from './gateway-system.js';
import { MirrorClient } from './mirror-client.js';
import { makeRow, type Row } from './report.js';
import { pause } from './system.js';

/** Each request to clear the spectra changes the checksum spectrum, and nothing else changes. */
const QUIET = ['--fillers-only', '--rate', '0', '--no-delay'];
const CASES: readonly GatewayCase[] = [
  { mebibytes: 1, options: ['--spectra', '40', ...QUIET] },
  { mebibytes: 8, options: ['--spectra', '400', ...QUIET] },
];
const CHANGES = 20;
/** The mirror has measured the times of its source by then. */
const WARM_UP_CHANGES = 20;
const CHANGE_DELAY_MAX_MS = 40;
const MIB = 2 ** 20;
/** The checksum's count of changed updates; it is the first spectrum, at the start of storage. */
const COUNT_OFFSET = DISPLAY_HEADER_BYTES + 4;

export async function measureGatewayLags(repetitions: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of CASES) {
    const through: number[] = [];
    const direct: number[] = [];
    await withGateway(size, async ({ mirrorPort }, simulator) => {
      const rest = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort });
      const channelBytes = size.mebibytes * MIB;
      await lags(rest, mirrorPort, channelBytes, WARM_UP_CHANGES);
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        direct.push(...(await lags(rest, simulator.mirrorPort, channelBytes, CHANGES)));
        through.push(...(await lags(rest, mirrorPort, channelBytes, CHANGES)));
      }
      rest.close();
    });
    rows.push(
      makeRow('gateway', `${size.mebibytes} MiB: a change at the source to a viewer`, 'ms', through, {
        name: 'at the source',
        values: direct,
      }),
    );
  }
  return rows;
}

async function lags(rest: SpecTclRest, port: number, channelBytes: number, count: number): Promise<number[]> {
  const viewer = await MirrorClient.open(port, channelBytes);
  const measured: number[] = [];
  await viewer.update();
  for (let change = 0; change < count; change += 1) {
    const before = viewer.memory.readUInt32LE(COUNT_OFFSET);
    await pause(Math.random() * CHANGE_DELAY_MAX_MS);
    const began = performance.now();
    const changed = rest.zero();
    while (viewer.memory.readUInt32LE(COUNT_OFFSET) === before) await viewer.update();
    measured.push(performance.now() - began);
    await changed;
  }
  viewer.close();
  return measured;
}
