/**
 * `integrity`: what the protection of a flow between two hosts costs: a MAC on every record, and
 * TLS, beside links without either (`integrity` off). Over loopback, through the real processes.
 * Spawns processes; reads /proc.
 */
import { startDuplicatorPair, type LinkProtection } from './duplicator-pair.js';
import { makeRowPerPeer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { FLOW_FIGURES, measurePair, type Figures } from './tcp.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const CASES = [
  { title: '128 B', size: 128, buffers: 16_384 },
  { title: '4 KiB', size: 4 * KIB, buffers: 1_024 },
  { title: '64 KiB', size: 64 * KIB, buffers: 64 },
  { title: '1 MiB', size: MIB, buffers: 8 },
] as const;
const PROTECTED = ['mac', 'tls'] as const satisfies LinkProtection[];

export async function integrity(settings: BenchSettings): Promise<Row[]> {
  const cases = CASES.filter(({ title }) => isSelected(settings, title));
  settings.run.expect(cases.length);
  const rows: Row[] = [];
  for (const one of cases)
    rows.push(...(await settings.run.measure(one.title, () => measureCase(one, settings))));
  return rows;
}

async function measureCase(
  { title, size, buffers }: (typeof CASES)[number],
  { run, repeats, durationMs }: BenchSettings,
): Promise<Row[]> {
  const figures: Record<LinkProtection, Figures[]> = { off: [], mac: [], tls: [] };
  for (const _ of run.repetitions(repeats)) {
    for (const protection of ['off', ...PROTECTED] as const) {
      const pair = await startDuplicatorPair(size, buffers, protection);
      figures[protection].push(await measurePair(pair, size, buffers, durationMs));
    }
  }
  return PROTECTED.flatMap((protection) =>
    FLOW_FIGURES.flatMap(([what, unit, of]) => {
      const values = (all: readonly Figures[]): number[] => all.map((one) => one[of]);
      const peer = { name: 'integrity off', values: values(figures.off) };
      const name = `${title}, ${protection === 'mac' ? 'MAC' : 'TLS'}: ${what}`;
      return makeRowPerPeer('integrity', name, unit, values(figures[protection]), [peer]);
    }),
  );
}
