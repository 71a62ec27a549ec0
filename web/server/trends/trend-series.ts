/**
 * One trend over time: gathers values into seconds, ten seconds and minutes, and answers which
 * points a plot of some span shows. `AppTrends` has one per trend. Pure: times come in as
 * parameters, in milliseconds since 1970.
 */
import {
  LEVELS,
  NO_POINT,
  TrendLevel,
  type LevelName,
  type TimedPoint,
  type TrendPoint,
} from './trend-levels.js';

/** The slot that is being filled. */
interface Gathering {
  slot: number;
  sum: number;
  count: number;
  low: number;
  high: number;
}

const NAMES: readonly LevelName[] = ['seconds', 'tens', 'minutes'];

export class TrendSeries {
  readonly #levels: Readonly<Record<LevelName, TrendLevel>> = {
    seconds: new TrendLevel(LEVELS.seconds),
    tens: new TrendLevel(LEVELS.tens),
    minutes: new TrendLevel(LEVELS.minutes),
  };
  readonly #gathering = new Map<LevelName, Gathering>();

  /** Adds a value; undefined where there is none at this time. */
  add(atMs: number, value: number | undefined): void {
    for (const name of NAMES) this.#gather(name, atMs, value);
  }

  /**
   * The minute before the one of `atMs`, for the file; without values where there were none. Call
   * it when a minute has ended, after no value of a later one.
   */
  endMinute(minute: number): TrendPoint {
    const gathering = this.#gathering.get('minutes');
    return gathering?.slot === minute && gathering.count > 0 ? pointOf(gathering) : NO_POINT;
  }

  /** Fills a minute from the file; minutes in the order of time, before any value. */
  restore(minute: number, point: TrendPoint): void {
    this.#levels.minutes.set(minute, point);
  }

  /**
   * The points from `fromMs` to `toMs` of the finest level that covers the span; where that has no
   * values yet, as after a restart, those of the coarser ones.
   */
  points(fromMs: number, toMs: number): TimedPoint[] {
    const spanMs = toMs - fromMs;
    const finest = NAMES.findIndex((name) => LEVELS[name].widthMs * LEVELS[name].slots >= spanMs);
    const from = finest === -1 ? NAMES.length - 1 : finest;
    const parts: TimedPoint[][] = [];
    let untilMs = toMs;
    for (const name of NAMES.slice(from)) {
      const older = this.#pointsOf(name, fromMs, untilMs);
      const first = older[0]?.atMs;
      if (first === undefined) continue;
      parts.unshift(older);
      // A slot of the next level that ends before the oldest point.
      untilMs = first - LEVELS.minutes.widthMs;
    }
    return parts.flat();
  }

  #pointsOf(name: LevelName, fromMs: number, toMs: number): TimedPoint[] {
    const points = this.#levels[name].points(fromMs, toMs);
    const gathering = this.#gathering.get(name);
    if (gathering === undefined || gathering.count === 0) return points;
    const atMs = gathering.slot * LEVELS[name].widthMs;
    return atMs < fromMs || atMs > toMs ? points : [...points, { atMs, ...pointOf(gathering) }];
  }

  #gather(name: LevelName, atMs: number, value: number | undefined): void {
    const slot = Math.floor(atMs / LEVELS[name].widthMs);
    let gathering = this.#gathering.get(name);
    if (gathering !== undefined && slot < gathering.slot) return;
    if (gathering === undefined || slot > gathering.slot) {
      if (gathering !== undefined && gathering.count > 0) {
        this.#levels[name].set(gathering.slot, pointOf(gathering));
      }
      gathering = { slot, sum: 0, count: 0, low: Infinity, high: -Infinity };
      this.#gathering.set(name, gathering);
    }
    if (value === undefined) return;
    gathering.sum += value;
    gathering.count += 1;
    gathering.low = Math.min(gathering.low, value);
    gathering.high = Math.max(gathering.high, value);
  }
}

function pointOf({ sum, count, low, high }: Gathering): TrendPoint {
  return { mean: sum / count, low, high };
}

/**
 * At most `most` points, each the summary of neighbours: a plot has no more columns, and no extreme
 * disappears.
 */
export function thinned(points: readonly TimedPoint[], most: number): readonly TimedPoint[] {
  if (points.length <= most) return points;
  const group = Math.ceil(points.length / most);
  const groups: TimedPoint[] = [];
  for (let start = 0; start < points.length; start += group) {
    const part = points.slice(start, start + group);
    groups.push({
      atMs: part[0]?.atMs ?? 0,
      mean: part.reduce((sum, { mean }) => sum + mean, 0) / part.length,
      low: Math.min(...part.map(({ low }) => low)),
      high: Math.max(...part.map(({ high }) => high)),
    });
  }
  return groups;
}
