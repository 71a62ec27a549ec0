/**
 * How late a viewer sees what changed at the source: the time from a request that changes the
 * simulator's memory to the end of the update that has it, for a viewer of the gateway and for one
 * at the source, which both ask back to back; and until a program of this machine finds it in the
 * mirror's memory, as a viewer attached by key does, while none asks. The mirror's interval is the
 * default, which follows the source. Rows of the benchmark `gateway`; starts real systems.
 */
import { SpecTclRest } from '../protocol/spectcl/rest-client.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import type { Mirror } from '../client-lib/index.js';
import { withGateway, type GatewayCase } from './gateway-system.js';
import { MirrorClient } from './mirror-client.js';
import { makeRow, type Row } from './report.js';
import { pause } from './system.js';

/** Each request to clear the spectra changes the checksum spectrum, and nothing else changes. */
const QUIET = ['--fillers-only', '--rate', '0', '--no-delay'];
interface LagCase extends GatewayCase {
  /**
   * Longest pause between changes: whole intervals of the mirror, so that changes fall anywhere in
   * one, and so few that the mirror does not take the source for idle.
   */
  readonly delayMaxMs: number;
}
const CASES: readonly LagCase[] = [
  { mebibytes: 1, delayMaxMs: 40, options: ['--spectra', '40', ...QUIET] },
  { mebibytes: 8, delayMaxMs: 100, options: ['--spectra', '400', ...QUIET] },
];
const CHANGES = 20;
/** The mirror has measured the times of its source by then. */
const WARM_UP_CHANGES = 20;
/** How often an attached program looks: little beside the lags. */
const LOOK_INTERVAL_MS = 1;
const MIB = 2 ** 20;
/** The checksum's count of changed updates; it is the first spectrum, at the start of storage. */
const COUNT_OFFSET = DISPLAY_HEADER_BYTES + 4;

export async function measureGatewayLags(repetitions: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of CASES) {
    const through: number[] = [];
    const direct: number[] = [];
    const attached: number[] = [];
    await withGateway(size, async ({ mirrorPort }, simulator, client) => {
      const mirror = await client.mirror();
      const rest = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort });
      const channelBytes = size.mebibytes * MIB;
      const { delayMaxMs } = size;
      await lags(rest, mirrorPort, channelBytes, { count: WARM_UP_CHANGES, delayMaxMs });
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        direct.push(
          ...(await lags(rest, simulator.mirrorPort, channelBytes, { count: CHANGES, delayMaxMs })),
        );
        through.push(...(await lags(rest, mirrorPort, channelBytes, { count: CHANGES, delayMaxMs })));
        attached.push(...(await attachedLags(rest, mirror, delayMaxMs)));
      }
      rest.close();
    });
    const peer = { name: 'at the source', values: direct };
    const name = `${size.mebibytes} MiB: a change at the source to`;
    rows.push(
      makeRow('gateway', `${name} a viewer`, 'ms', through, peer),
      makeRow('gateway', `${name} an attached program`, 'ms', attached, peer),
    );
  }
  return rows;
}

async function attachedLags(rest: SpecTclRest, mirror: Mirror, delayMaxMs: number): Promise<number[]> {
  const measured: number[] = [];
  for (let change = 0; change < CHANGES; change += 1) {
    const before = mirror.memory.readUInt32LE(COUNT_OFFSET);
    await pause(Math.random() * delayMaxMs);
    const began = performance.now();
    const changed = rest.zero();
    while (mirror.memory.readUInt32LE(COUNT_OFFSET) === before) await pause(LOOK_INTERVAL_MS);
    measured.push(performance.now() - began);
    await changed;
  }
  return measured;
}

async function lags(
  rest: SpecTclRest,
  port: number,
  channelBytes: number,
  { count, delayMaxMs }: { readonly count: number; readonly delayMaxMs: number },
): Promise<number[]> {
  const viewer = await MirrorClient.open(port, channelBytes);
  const measured: number[] = [];
  await viewer.update();
  for (let change = 0; change < count; change += 1) {
    const before = viewer.memory.readUInt32LE(COUNT_OFFSET);
    await pause(Math.random() * delayMaxMs);
    const began = performance.now();
    const changed = rest.zero();
    while (viewer.memory.readUInt32LE(COUNT_OFFSET) === before) await viewer.update();
    measured.push(performance.now() - began);
    await changed;
  }
  viewer.close();
  return measured;
}
