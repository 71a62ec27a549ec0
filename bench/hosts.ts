/**
 * `hosts`: what a publication of a mirror costs the duplicator that sends it, with none to eight
 * hosts that receive it, and what it costs one of these: processor time, bytes, wake-ups. A SpecTcl
 * of 8 MiB changes counts in 5 % of its blocks of 4 KiB four times a second, slowly enough for a
 * machine on which all hosts run. The peer of each row is
 * the one with a single host. `growth` is checked with these points. Starts duplicators without
 * servers; reads /proc and flow files.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COUNTERS, type CounterName } from '../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../protocol/flow/flow-file/open.js';
import {
  duplicatorArguments,
  type DuplicatorArguments,
} from '../protocol/rpc/contract/duplicator-options.js';
import { BenchDuplicator } from './duplicator-pair.js';
import { makeRow, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { cpuSeconds, pause, startSimulatorProcess, wakeUps } from './system.js';

const RECEIVERS = [0, 1, 2, 4, 8] as const;
const UPDATE_INTERVAL_MS = 250;
const SIMULATOR = [
  '--memory', '8', '--spectra', '400', '--sparse', '5', '--no-checksum', '--interval', String(UPDATE_INTERVAL_MS),
]; // prettier-ignore
const WARM_UP_MS = 2_000;
/** Factor on `--duration`, since processor time comes in ticks of 10 ms. */
const DURATION_FACTOR = 10;
const LINGER_MS = 3_600_000;
const FLOW = 'bench';
const KIB = 1024;

interface Cost {
  readonly cpuMs: number;
  readonly receiverCpuMs: number;
  readonly sentKib: number;
  readonly wakeUps: number;
  readonly receiverWakeUps: number;
}

export async function hosts(settings: BenchSettings): Promise<Row[]> {
  const points = RECEIVERS.filter((count) => isSelected(settings, nameOf(count)));
  settings.run.expect(points.length);
  const measured = new Map<number, readonly Cost[]>();
  const rows: Row[] = [];
  for (const count of points)
    rows.push(...(await settings.run.measure(nameOf(count), () => measurePoint(count, settings, measured))));
  return rows;
}

async function measurePoint(
  receivers: number,
  { run, repeats, durationMs }: BenchSettings,
  measured: Map<number, readonly Cost[]>,
): Promise<Row[]> {
  const costs: Cost[] = [];
  for (const _ of run.repetitions(repeats))
    costs.push(await measure(receivers, durationMs * DURATION_FACTOR));
  measured.set(receivers, costs);
  const one = measured.get(1);
  const row = (what: string, unit: string, of: (cost: Cost) => number): Row => {
    const peer = one === undefined ? undefined : { name: nameOf(1), values: one.map(of) };
    return makeRow('hosts', `${nameOf(receivers)}: ${what}`, unit, costs.map(of), peer);
  };
  return [
    row('CPU of the source per publication', 'ms', ({ cpuMs }) => cpuMs),
    row('wake-ups of the source per publication', '', (cost) => cost.wakeUps),
    ...(receivers === 0
      ? []
      : [
          row('CPU of a receiver per publication', 'ms', ({ receiverCpuMs }) => receiverCpuMs),
          row('wake-ups of a receiver per publication', '', (cost) => cost.receiverWakeUps),
          row('sent by the source per publication', 'KiB', ({ sentKib }) => sentKib),
        ]),
  ];
}

async function measure(receivers: number, durationMs: number): Promise<Cost> {
  const simulator = await startSimulatorProcess(SIMULATOR);
  const system = new Duplicators();
  try {
    const source = system.start('source', {
      direction: 'input',
      source: simulator.address,
      listens: true,
      updateIntervalMs: UPDATE_INTERVAL_MS,
    });
    const address = String((await source.waitForLog('serving other hosts'))['address']);
    const file = openFlowFile(String((await source.waitForLog('ready'))['file']), 'read');
    const others = Array.from({ length: receivers }, (_, number) =>
      system.start(`receiver${number}`, { direction: 'input', source: address }),
    );
    for (const other of others) await other.waitForLog('ready');
    await pause(WARM_UP_MS);
    const sample = () => ({
      published: counter(file, 'published'),
      sent: counter(file, 'sentBytes'),
      cpu: cpuSeconds(source.pid),
      woken: wakeUps(source.pid),
      receivers: others.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
      receiversWoken: others.reduce((sum, { pid }) => sum + wakeUps(pid), 0),
    });
    const before = sample();
    await pause(durationMs);
    const after = sample();
    const published = after.published - before.published;
    return {
      cpuMs: ((after.cpu - before.cpu) * 1_000) / published,
      receiverCpuMs: ((after.receivers - before.receivers) * 1_000) / published / receivers,
      sentKib: (after.sent - before.sent) / KIB / published,
      wakeUps: (after.woken - before.woken) / published,
      receiverWakeUps: (after.receiversWoken - before.receiversWoken) / published / receivers,
    };
  } finally {
    await system.stop();
    await simulator.stop();
  }
}

type Start = Pick<DuplicatorArguments, 'direction' | 'source'> & {
  readonly listens?: boolean;
  readonly updateIntervalMs?: number;
};

/** Duplicators of several hosts on this machine. */
class Duplicators {
  readonly #directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  readonly #flowDirectory = mkdtempSync('/dev/shm/mirrorflow-bench-');
  readonly #started: BenchDuplicator[] = [];

  constructor() {
    writeFileSync(join(this.#directory, 'secret'), 'a secret for this benchmark', { mode: 0o600 });
  }

  start(host: string, { listens = false, updateIntervalMs, ...given }: Start): BenchDuplicator {
    const options = {
      application: 'bench',
      flowDirectory: join(this.#flowDirectory, host),
      secretFile: join(this.#directory, 'secret'),
      lingerMs: LINGER_MS,
      ...(listens && { listen: 'tcp://127.0.0.1:0' }),
      ...(updateIntervalMs !== undefined && { updateIntervalMs }),
    };
    const words = duplicatorArguments({ flow: FLOW, ...given, options });
    const duplicator = new BenchDuplicator(this.#directory, host, words);
    this.#started.push(duplicator);
    return duplicator;
  }

  async stop(): Promise<void> {
    for (const duplicator of this.#started.toReversed()) await duplicator.stop();
    for (const path of [this.#directory, this.#flowDirectory]) rmSync(path, { recursive: true, force: true });
  }
}

function counter(file: FlowFile, name: CounterName): number {
  return file.counter(COUNTERS[name].id);
}

function nameOf(receivers: number): string {
  return receivers === 1 ? '1 receiving host' : `${receivers} receiving hosts`;
}
