/**
 * The p-value of a fit: how often counts that follow the fitted model have a larger deviance. Used
 * by `fitSpectrum`. Pure.
 *
 * The deviance of Poisson counts follows χ² only where channels have many counts. Its mean and
 * variance at each expected count are summed instead, less what the fitted parameters take, and a
 * scaled χ² with the same two moments is used. So the p-value holds for few counts too.
 */
import type { Matrix } from 'ml-matrix';
import { chiSquareProbability } from '../numerics/chi-square.js';
import type { Minimum } from './minimise.js';

/** Above this mean the series in 1/μ is exact to 1e-4. */
const SERIES_FROM = 40;
/** Standard deviations of a Poisson distribution that are summed. */
const SUMMED_DEVIATIONS = 9;

interface Moments {
  readonly mean: number;
  readonly variance: number;
  /** Covariance with the count. */
  readonly withCount: number;
}

/** `covariance`: that of the free parameters. Undefined without degrees of freedom. */
export function deviancePValue(
  { deviance, expected, derivatives, free }: Minimum,
  covariance: Matrix | undefined,
  degrees: number,
): number | undefined {
  if (degrees <= 0 || !Number.isFinite(deviance)) return undefined;
  let [mean, variance] = [0, 0];
  const withScore = free.map(() => 0);
  expected.forEach((mu, channel) => {
    const moments = devianceMoments(mu);
    mean += moments.mean;
    variance += moments.variance;
    if (!(mu > 0)) return;
    free.forEach((parameter, place) => {
      withScore[place]! += (moments.withCount * derivatives[parameter]![channel]!) / mu;
    });
  });
  if (covariance !== undefined) {
    withScore.forEach((one, row) =>
      withScore.forEach((other, column) => {
        variance -= one * other * covariance.get(row, column);
      }),
    );
  }
  if (!(variance > 0)) return undefined;
  const scale = variance / (2 * mean);
  // Each fitted parameter takes the same part of both moments.
  const effective = ((2 * mean * mean) / variance) * (degrees / expected.length);
  return chiSquareProbability(deviance / scale, effective);
}

/** Moments of 2·[μ − n + n·ln(n/μ)] for n of a Poisson distribution. */
export function devianceMoments(mu: number): Moments {
  if (!(mu > 0)) return { mean: 0, variance: 0, withCount: 0 };
  if (mu > SERIES_FROM) {
    const mean = 1 + 1 / (6 * mu) + 1 / (6 * mu * mu);
    return { mean, variance: 2 + 2 / (3 * mu) + 13 / (9 * mu * mu), withCount: -1 / (6 * mu) };
  }
  const last = Math.ceil(mu + SUMMED_DEVIATIONS * (1 + Math.sqrt(mu)));
  let probability = Math.exp(-mu);
  let [mean, square, withCount] = [0, 0, 0];
  for (let n = 0; n <= last; n += 1) {
    const deviance = 2 * (mu - n + (n > 0 ? n * Math.log(n / mu) : 0));
    mean += probability * deviance;
    square += probability * deviance * deviance;
    withCount += probability * deviance * (n - mu);
    probability *= mu / (n + 1);
  }
  return { mean, variance: square - mean * mean, withCount };
}
