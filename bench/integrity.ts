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
  const rows: Row[] = [];
  for (const { title, size, buffers } of CASES.filter((one) => isSelected(settings, one.title))) {
    const figures: Record<LinkProtection, Figures[]> = { off: [], mac: [], tls: [] };
    for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
      for (const protection of ['off', ...PROTECTED] as const) {
        const pair = await startDuplicatorPair(size, buffers, protection);
        figures[protection].push(await measurePair(pair, size, buffers, settings.durationMs));
      }
    }
    for (const protection of PROTECTED) {
      for (const [what, unit, of] of FLOW_FIGURES) {
        const values = (all: readonly Figures[]): number[] => all.map((one) => one[of]);
        const peer = { name: 'integrity off', values: values(figures.off) };
        const name = `${title}, ${protection === 'mac' ? 'MAC' : 'TLS'}: ${what}`;
        rows.push(...makeRowPerPeer('integrity', name, unit, values(figures[protection]), [peer]));
      }
    }
  }
  return rows;
}
