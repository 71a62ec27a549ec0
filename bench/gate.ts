/**
 * `npm run bench -- gate FILE`: whether ratios are worse than those of a kept file, beyond the
 * spread of both. Machines differ and are shared, so only ratios to a peer of the same run count.
 * `main.ts` calls it. Pure.
 */
import { formatFigure, type Row } from './report.js';

/** Units of which more is better; of all others less is. */
const RATES = /\/s\b/;

export interface Verdict {
  readonly lines: readonly string[];
  /** Rows that are worse, or were not measured. */
  readonly failures: number;
}

export function judge(kept: readonly Row[], now: readonly Row[]): Verdict {
  const verdicts = kept.filter(hasRatio).map((before): [boolean, string] => {
    const name = `${before.bench} ${before.case}, beside ${before.peer}`;
    const after = now.filter(hasRatio).find((row) => isSameRow(row, before));
    if (after === undefined) return [false, `${name}: not measured`];
    const [lowBefore, highBefore] = ratios(before);
    const [low, high] = ratios(after);
    const isRate = RATES.test(before.unit);
    const isWorse = isRate ? high < lowBefore : low > highBefore;
    const text = `${name}: ${formatFigure(before.ratio)} x, now ${formatFigure(after.ratio)} x`;
    return [!isWorse, isWorse ? `${text}: worse beyond the spread` : text];
  });
  return {
    lines: verdicts.map(([passes, text]) => `${passes ? 'ok  ' : 'FAIL'} ${text}`),
    failures: verdicts.filter(([passes]) => !passes).length,
  };
}

type RowWithRatio = Row & Required<Pick<Row, 'peer' | 'peerValue' | 'ratio'>>;

function hasRatio(row: Row): row is RowWithRatio {
  return row.ratio !== undefined && Number.isFinite(row.ratio);
}

/** The ratio of the smallest and of the largest repetition. */
function ratios({ spread, peerValue }: RowWithRatio): [number, number] {
  return [spread[0] / peerValue, spread[1] / peerValue];
}

function isSameRow(one: Row, other: Row): boolean {
  return (
    one.bench === other.bench && one.case === other.case && one.unit === other.unit && one.peer === other.peer
  );
}
