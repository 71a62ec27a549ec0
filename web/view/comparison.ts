/**
 * Comparing the spectra of one plot: normalised to equal sums, raised above each other, their
 * difference or their ratio; and the words of a comparison in the address of the page.
 * `plot-counts.ts` of the page draws the result. Pure.
 */
import { valueAt, type Curve, type SpectrumCurve } from './curve.js';
import { parseNumber } from './plot-look.js';

const COMPARISONS = ['normalise', 'offset', 'subtract', 'ratio'] as const;
export type ComparisonKind = (typeof COMPARISONS)[number];

export interface Comparison {
  readonly kind: ComparisonKind;
  /**
   * `offset`: counts that each further spectrum is raised; `subtract`, `ratio`: factor of the
   * second spectrum; without a meaning for `normalise`.
   */
  readonly amount: number;
}

/** What a comparison begins with. */
export function defaultComparison(kind: ComparisonKind): Comparison {
  return { kind, amount: kind === 'offset' ? 100 : 1 };
}

/** One curve takes the place of the two that it is made of. */
export function isOneCurve(comparison: Comparison | undefined): boolean {
  return comparison?.kind === 'subtract' || comparison?.kind === 'ratio';
}

/**
 * The curves that are drawn, in the order of the spectra; undefined for those without counts yet.
 * `subtract` and `ratio` make one of the first two.
 */
export function comparedCurves(
  curves: readonly (SpectrumCurve | undefined)[],
  comparison: Comparison | undefined,
): readonly (Curve | undefined)[] {
  if (comparison === undefined || curves.length < 2) return curves;
  const { kind, amount } = comparison;
  const [first, second] = curves;
  switch (kind) {
    case 'normalise':
      return curves.map((curve) =>
        curve === undefined || first === undefined || !(curve.sum > 0)
          ? curve
          : { ...curve, factor: (curve.factor * first.sum) / curve.sum },
      );
    case 'offset':
      return curves.map((curve, index) =>
        curve === undefined ? undefined : { ...curve, shift: index * amount },
      );
    case 'subtract':
      return [combined(first, second, (one, other) => one - amount * other)];
    case 'ratio':
      // Without counts in the second there is no ratio.
      return [
        combined(first, second, (one, other) => (amount * other === 0 ? Number.NaN : one / (amount * other))),
      ];
    default:
      return kind satisfies never;
  }
}

/**
 * On the channels of the first. Counts of the second are per channel of the first: channels of half
 * the width have half the counts. NaN where the second has no channel.
 */
function combined(
  first: SpectrumCurve | undefined,
  second: SpectrumCurve | undefined,
  of: (one: number, other: number) => number,
): Curve | undefined {
  if (first === undefined || second === undefined) return undefined;
  const { from, group, channel } = first;
  const perChannel = channel / second.channel;
  const values = Float64Array.from(first.values, (value, index) => {
    const other = valueAt(second, from + (index + 0.5) * group);
    return other === undefined ? Number.NaN : of(value * first.factor, other * perChannel);
  });
  return { values, from, group, channel, factor: 1, shift: 0 };
}

/** The names of the spectra as a title says what is compared. */
export function comparedNames(
  names: readonly string[],
  comparison: Comparison | undefined,
): readonly string[] {
  const [first = '', second = ''] = names;
  if (comparison === undefined || names.length < 2) return names;
  const { kind, amount } = comparison;
  const times = amount === 1 ? '' : `${amount} × `;
  switch (kind) {
    case 'normalise':
      return names.map((name, index) => (index === 0 ? name : `${name} (normalised)`));
    case 'offset':
      return names.map((name, index) => (index === 0 ? name : `${name} + ${index * amount}`));
    case 'subtract':
      return [`${first} − ${times}${second}`];
    case 'ratio':
      return [`${first} ÷ ${amount === 1 ? second : `(${times}${second})`}`];
    default:
      return kind satisfies never;
  }
}

export function comparisonSettings(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return [];
  const { kind, amount } = comparison;
  return [`m=${kind}${amount === defaultComparison(kind).amount ? '' : `~${amount}`}`];
}

/** Undefined for an unknown comparison. */
export function parseComparison(text: string | undefined): Comparison | undefined {
  const [word, amount] = (text ?? '').split('~');
  const kind = COMPARISONS.find((known) => known === word);
  if (kind === undefined) return undefined;
  return kind === 'normalise'
    ? defaultComparison(kind)
    : { kind, amount: parseNumber(amount) ?? defaultComparison(kind).amount };
}
