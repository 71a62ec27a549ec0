/**
 * Finds the parameters of greatest likelihood: Fisher scoring with the damping of Levenberg and
 * Marquardt, within limits. Used by `fitSpectrum`, profiles and limits. Pure.
 */
import { Matrix } from 'ml-matrix';
import type { Model } from '../model/model.js';
import { information, poissonDeviance, score, solveScaled } from './likelihood.js';

export interface ParameterSetting {
  readonly start: number;
  readonly min: number;
  readonly max: number;
  readonly fixed: boolean;
}

export interface Minimum {
  readonly values: Float64Array;
  readonly deviance: number;
  readonly converged: boolean;
  readonly iterations: number;
  /** Parameters that were fitted and are not at a limit. */
  readonly free: readonly number[];
  readonly expected: Float64Array;
  readonly derivatives: readonly Float64Array[];
}

const ITERATIONS_MAX = 200;
/** Converged when a step changes the deviance by less than this, and predicted no more. */
const DEVIANCE_PRECISION = 1e-9;
const DAMPING = { start: 1e-3, min: 1e-12, max: 1e12, up: 4, down: 0.25 };

/** Throws no error: a fit that does not converge says so. */
export function minimise(
  model: Model,
  counts: ArrayLike<number>,
  settings: readonly ParameterSetting[],
): Minimum {
  const size = model.names.length;
  let values = Float64Array.from(settings, ({ start, min, max }) => Math.min(max, Math.max(min, start)));
  let expected = new Float64Array(counts.length);
  let derivatives = Array.from({ length: size }, () => new Float64Array(counts.length));
  let trial = new Float64Array(counts.length);
  let trialDerivatives = derivatives.map((row) => row.slice());
  model.evaluate(values, expected, derivatives);
  let deviance = poissonDeviance(counts, expected);
  let damping = DAMPING.start;
  let converged = false;
  let iterations = 0;
  let free: number[] = [];
  while (iterations < ITERATIONS_MAX && damping < DAMPING.max && !converged) {
    iterations += 1;
    const fitted = settings.flatMap(({ fixed }, index) => (fixed ? [] : [index]));
    const gradient = score(counts, expected, derivatives, fitted);
    free = fitted.filter(
      (index, place) =>
        !isHeld(settings[index]!, values[index]!, gradient[place]!) &&
        derivatives[index]!.some((by) => by !== 0),
    );
    if (free.length === 0) {
      converged = true;
      break;
    }
    const right = Matrix.columnVector(free.map((index) => gradient[fitted.indexOf(index)]!));
    const step = solveScaled(information(expected, derivatives, free), right, damping);
    if (step === undefined) {
      damping *= DAMPING.up;
      continue;
    }
    const next = values.slice();
    free.forEach((index, place) => {
      const { min, max } = settings[index]!;
      next[index] = Math.min(max, Math.max(min, values[index]! + step.get(place, 0)));
    });
    model.evaluate(next, trial, trialDerivatives);
    const nextDeviance = poissonDeviance(counts, trial);
    const gained = deviance - nextDeviance;
    if (gained >= 0 || (Number.isFinite(nextDeviance) && !Number.isFinite(deviance))) {
      const predicted = free.reduce(
        (sum, index, place) => sum + (next[index]! - values[index]!) * right.get(place, 0),
        0,
      );
      converged = gained < DEVIANCE_PRECISION && Math.abs(predicted) < DEVIANCE_PRECISION * 10;
      values = next;
      deviance = nextDeviance;
      [expected, trial] = [trial, expected];
      [derivatives, trialDerivatives] = [trialDerivatives, derivatives];
      damping = Math.max(DAMPING.min, damping * DAMPING.down);
    } else {
      // Rounding hides the gain of a step that is nearly nothing.
      converged = gained > -DEVIANCE_PRECISION * (1 + deviance) && damping <= DAMPING.start;
      damping *= DAMPING.up;
    }
  }
  free = free.filter((index) => {
    const { min, max } = settings[index]!;
    return values[index]! > min && values[index]! < max && derivatives[index]!.some((by) => by !== 0);
  });
  return { values, deviance, converged, iterations, free, expected, derivatives };
}

/** Whether a parameter stays at its limit, since the likelihood grows beyond it. */
function isHeld({ min, max }: ParameterSetting, value: number, gradient: number): boolean {
  return (value <= min && gradient <= 0) || (value >= max && gradient >= 0);
}
