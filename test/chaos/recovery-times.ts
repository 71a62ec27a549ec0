/** Recovery times of a chaos run by kind of fault: median and worst, milliseconds. Pure. */
export interface Recovery {
  readonly median: number;
  readonly worst: number;
}

export class RecoveryTimes {
  readonly #times = new Map<string, number[]>();

  note(kind: string, ms: number): void {
    const times = this.#times.get(kind) ?? [];
    this.#times.set(kind, times);
    times.push(ms);
  }

  summary(): Record<string, Recovery> {
    const all = [...this.#times.values()].flat();
    const rows = [...this.#times].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      [...rows, ...(all.length > 0 ? [['all', all] as const] : [])].map(([kind, times]) => [
        kind,
        recoveryOf(times),
      ]),
    );
  }
}

function recoveryOf(times: readonly number[]): Recovery {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median: Math.round(median), worst: Math.round(sorted.at(-1) ?? 0) };
}
