/**
 * `gateway`: what programs get through a gateway, beside the same programs at the source, in turns
 * against the same simulator. This file has the updates back to back and the processor time that
 * clients of the gateway cost the source; `gateway-viewers.ts`, `gateway-lag.ts` and
 * `gateway-lists.ts` have the rest. Reads /proc.
 */
import { measureGatewayLags } from './gateway-lag.js';
import { measureLists } from './gateway-lists.js';
import { withBusyGateway } from './gateway-system.js';
import { measureViewers } from './gateway-viewers.js';
import { makeRow, type Row } from './report.js';
import { isSelected, repetitionCount, type BenchSettings } from './settings.js';
import { bareUpdatesPerSecond } from './spectcl-peers.js';
import { cpuSeconds } from './system.js';

const MEASURE_MS = 1_500;
const REPETITIONS = 5;
const CLIENTS = 32;

export async function gateway(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, measure] of [
    ['back to back', measureRates],
    ['viewers', measureViewers],
    ['a change', measureGatewayLags],
    ['10,000 spectra', measureLists],
  ] as const) {
    const measured = () => measure(repetitionCount(settings, REPETITIONS));
    if (isSelected(settings, name)) rows.push(...(await settings.run.measure(name, measured)));
  }
  return rows;
}

function measureRates(repetitions: number): Promise<Row[]> {
  return withBusyGateway(async ({ mirrorPort }, simulator, capacity) => {
    const through: number[] = [];
    const direct: number[] = [];
    const cpuOfOne: number[] = [];
    const cpuOfMany: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
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
  });
}
