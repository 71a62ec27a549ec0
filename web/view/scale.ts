/** How counts become heights and colours: linear, logarithmic, square root. Pure. */
export type ScaleName = 'linear' | 'log' | 'sqrt';

export const SCALES: readonly ScaleName[] = ['linear', 'log', 'sqrt'];
export const SCALE_LABELS: Readonly<Record<ScaleName, string>> = {
  linear: 'Linear',
  log: 'Log',
  sqrt: 'Root',
};

/**
 * Where one count stands on a logarithmic axis: a little above the bottom, so that it is seen, and
 * 0 is the bottom.
 */
const LOG_FLOOR = 0.5;

/** From counts to 0…1 for 0…max; monotonic. `max` is at least 1. */
export function scaler(name: ScaleName, max: number): (count: number) => number {
  const top = Math.max(1, max);
  switch (name) {
    case 'linear':
      return (count) => count / top;
    case 'sqrt':
      return (count) => Math.sqrt(Math.max(0, count) / top);
    case 'log': {
      const span = Math.log(top / LOG_FLOOR);
      return (count) => (count <= LOG_FLOOR ? 0 : Math.log(count / LOG_FLOOR) / span);
    }
    default:
      return name satisfies never;
  }
}

/**
 * A top for the axis of counts with a little room above the highest, that does not move with every
 * count.
 */
export function axisTop(name: ScaleName, max: number): number {
  if (max <= 0) return name === 'log' ? 10 : 1;
  if (name === 'log') return max * 2;
  const wanted = max * 1.06;
  const step = 10 ** (Math.floor(Math.log10(wanted)) - 1);
  return Math.max(1, Math.ceil(wanted / step) * step);
}

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** Ticks at round values, at most about `most`, inside the range. */
export function linearTicks(from: number, to: number, most: number): Tick[] {
  const span = to - from;
  if (!(span > 0) || most < 1) return [];
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? power * 10;
  const ticks: Tick[] = [];
  const first = Math.ceil(from / step - 1e-9);
  for (let index = first; index * step <= to + step * 1e-9; index += 1) {
    const value = index * step;
    ticks.push({ value, label: tickText(value, step) });
  }
  return ticks;
}

/** Ticks of the axis of counts. */
export function countTicks(name: ScaleName, top: number, most: number): Tick[] {
  if (name !== 'log') {
    return linearTicks(0, top, most).filter(({ value }) => Number.isInteger(value) || top < 2);
  }
  const decades = Math.log10(top);
  const every = Math.max(1, Math.ceil(decades / Math.max(1, most)));
  const ticks: Tick[] = [];
  for (let power = 0; 10 ** power <= top; power += every) {
    ticks.push({ value: 10 ** power, label: tickText(10 ** power, 10 ** power) });
  }
  return ticks;
}

function tickText(value: number, step: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trimmed(value / 1e9)}G`;
  if (size >= 1e6) return `${trimmed(value / 1e6)}M`;
  if (size >= 1e4 && step >= 100) return `${trimmed(value / 1e3)}k`;
  const digits = step >= 1 ? 0 : Math.min(6, Math.ceil(-Math.log10(step) - 1e-9));
  return (Math.abs(value) < step / 1e6 ? 0 : value).toFixed(digits);
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(4)));
}
