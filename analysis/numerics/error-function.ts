/**
 * The error function and its relatives, in double precision, for models that are integrated over
 * the channel. Used by the models. Pure. Source: W. J. Cody, "Rational Chebyshev approximation for
 * the error function", Math. Comp. 23 (1969), the coefficients of CALERF in SPECFUN.
 */

const A = [3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694, 0.18577770618460315];
const B = [23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const C = [
  0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972, 2.1531153547440383e-8,
];
const D = [
  15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
const P = [
  0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275, 0.0006587491615298378,
  0.016315387137302097,
];
const Q = [
  2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
];

const SQRT_PI_INVERSE = 1 / Math.sqrt(Math.PI);
const SQRT_HALF = Math.SQRT1_2;
const SQRT_TWO_PI_INVERSE = 1 / Math.sqrt(2 * Math.PI);
/** Largest argument of the approximation of erf for small arguments. */
const SMALL = 0.46875;

/** exp(x²) · erfc(x) for x ≥ 0, which neither overflows nor vanishes. */
export function scaledErfc(x: number): number {
  if (x <= SMALL) return Math.exp(x * x) * (1 - erfOfSmall(x));
  if (x <= 4) {
    let above = C[8]! * x;
    let below = x;
    for (let index = 0; index < 7; index += 1) {
      above = (above + C[index]!) * x;
      below = (below + D[index]!) * x;
    }
    return (above + C[7]!) / (below + D[7]!);
  }
  const inverse = 1 / (x * x);
  let above = P[5]! * inverse;
  let below = inverse;
  for (let index = 0; index < 4; index += 1) {
    above = (above + P[index]!) * inverse;
    below = (below + Q[index]!) * inverse;
  }
  return (SQRT_PI_INVERSE - (inverse * (above + P[4]!)) / (below + Q[4]!)) / x;
}

/** 1 − erf(x), with full relative precision for large x. */
export function erfc(x: number): number {
  if (Math.abs(x) <= SMALL) return 1 - erfOfSmall(x);
  const positive = Math.exp(-x * x) * scaledErfc(Math.abs(x));
  return x > 0 ? positive : 2 - positive;
}

function erfOfSmall(x: number): number {
  const square = x * x;
  let above = A[4]! * square;
  let below = square;
  for (let index = 0; index < 3; index += 1) {
    above = (above + A[index]!) * square;
    below = (below + B[index]!) * square;
  }
  return (x * (above + A[3]!)) / (below + B[3]!);
}

/** The density of the standard normal distribution. */
export function normalDensity(z: number): number {
  return SQRT_TWO_PI_INVERSE * Math.exp(-0.5 * z * z);
}

/** The integral of the standard normal distribution from −∞ to z. */
export function normalIntegral(z: number): number {
  return 0.5 * erfc(-z * SQRT_HALF);
}
