/**
 * Shapes of the simulator's spectra: the weight of each channel, from which random.ts draws events.
 * Used by default-spectra.ts and spectrum-store.ts. Pure. Energies are in keV; energies and
 * intensities of lines are those of the evaluated decay data (ENSDF), rounded. All other numbers
 * are chosen so that the spectra look like measured ones.
 */

/** A gamma line: energy in keV, photons per hundred decays. */
type Line = readonly [energyKev: number, percent: number];

export const SOURCES = {
  'Co-60': [
    [1173.2, 99.9],
    [1332.5, 100],
  ],
  'Eu-152': [
    [121.8, 28.5],
    [244.7, 7.6],
    [344.3, 26.6],
    [411.1, 2.2],
    [444.0, 3.1],
    [778.9, 12.9],
    [867.4, 4.2],
    [964.1, 14.5],
    [1085.9, 10.1],
    [1112.1, 13.7],
    [1408.0, 20.9],
  ],
  'Cs-137': [
    [32.0, 5.8],
    [661.7, 85.1],
  ],
  'Th-228': [
    [84.4, 1.2],
    [238.6, 43.6],
    [241.0, 4.1],
    [277.4, 2.3],
    [300.1, 3.3],
    [510.8, 8.1],
    [583.2, 30.6],
    [727.3, 6.7],
    [860.6, 4.5],
    [1620.5, 1.5],
    [2614.5, 35.9],
  ],
} as const satisfies Readonly<Record<string, readonly Line[]>>;
export type SourceName = keyof typeof SOURCES;

/** Rest energy of the electron, in the formula of the Compton edge. */
const ELECTRON_KEV = 511;
const SQRT_TWO_PI = 2.5066;

/** Weights of `bins` channels from 0 to `maxKev` for a germanium detector in front of a source. */
export function gammaSpectrum(source: SourceName, bins: number, maxKev: number): Float64Array {
  const width = maxKev / bins;
  const weights = new Float64Array(bins);
  for (const [energy, percent] of SOURCES[source] as readonly Line[]) {
    // Resolution of a detector, FWHM / 2.355: electronic noise and a part that grows with the
    // number of charges.
    const sigma = Math.sqrt(0.6 ** 2 + 0.0011 * energy);
    // The full-energy efficiency falls with energy; the other photons scatter.
    const peak = percent * Math.min(1, (200 / energy) ** 0.8);
    const edge = energy / (1 + ELECTRON_KEV / (2 * energy));
    for (let bin = 0; bin < bins; bin++) {
      const at = (bin + 0.5) * width;
      weights[bin]! += (peak * width * gauss((at - energy) / sigma)) / sigma;
      weights[bin]! += ((1.6 * percent * width) / energy) * comptonShape(at / edge);
    }
  }
  for (let bin = 0; bin < bins; bin++) {
    weights[bin]! += 0.03 * width * Math.exp(((bin + 0.5) * -width) / 600);
  }
  return weights;
}

/** Compton continuum at a share of the energy of its edge, rounded off above 1. */
function comptonShape(position: number): number {
  return (0.55 + 0.6 * position ** 4) / (1 + Math.exp((position - 1) * 60));
}

/** The normal distribution. */
function gauss(x: number): number {
  return Math.exp(-0.5 * x * x) / SQRT_TWO_PI;
}

/** A sharp prompt peak with an exponential tail on a flat background of random coincidences. */
export function timeSpectrum(bins: number): Float64Array {
  return Float64Array.from({ length: bins }, (_, bin) => {
    const at = bin / bins - 0.3;
    const tail = at > 0 ? Math.exp(-at * 25) : 0;
    return 0.02 + gauss(at * 120) * 8 + tail * 0.8;
  });
}

/**
 * Energy loss (rows) over energy (columns): one band per charge, with a loss ~ Z² A / E (Bethe).
 */
export function particleBands(xbins: number, ybins: number): Float64Array {
  const weights = new Float64Array(xbins * ybins);
  const bands = [
    { strength: 1.0, product: 0.012 },
    { strength: 0.6, product: 0.02 },
    { strength: 0.35, product: 0.028 },
    { strength: 1.4, product: 0.085 },
    { strength: 0.2, product: 0.16 },
    { strength: 0.3, product: 0.3 },
  ];
  for (let y = 0; y < ybins; y++) {
    for (let x = 0; x < xbins; x++) {
      const energy = (x + 0.5) / xbins + 0.03;
      const loss = (y + 0.5) / ybins;
      let weight = 0.002;
      for (const { strength, product } of bands) {
        const centre = product / energy;
        if (centre > 1.2) continue;
        const spread = 0.012 + 0.03 * centre;
        weight += (strength * Math.exp(-energy * 1.5) * gauss((loss - centre) / spread)) / spread / 40;
      }
      weights[y * xbins + x] = weight;
    }
  }
  return weights;
}

/** Hits of a detector behind a mask: a beam spot and a grid of strips. */
export function hitPattern(xbins: number, ybins: number): Float64Array {
  const weights = new Float64Array(xbins * ybins);
  for (let y = 0; y < ybins; y++) {
    for (let x = 0; x < xbins; x++) {
      const strip = x % 16 < 13 && y % 16 < 13 ? 1 : 0.05;
      const distance = Math.hypot((x / xbins - 0.45) / 0.25, (y / ybins - 0.55) / 0.18);
      weights[y * xbins + x] = strip * (0.15 + gauss(distance) * 6);
    }
  }
  return weights;
}

/** Scalers: each channel has its own steady rate. */
export function scalerRates(bins: number): Float64Array {
  return Float64Array.from({ length: bins }, (_, bin) => 1 + 9 * Math.abs(Math.sin(bin * 2.3)));
}

/** A broad peak on an exponential, as in every filler spectrum. */
export function plainSpectrum(bins: number): Float64Array {
  return Float64Array.from({ length: bins }, (_, bin) => {
    const at = bin / bins;
    return Math.exp(-3 * at) + 4 * gauss((at - 0.6) / 0.05);
  });
}

/**
 * The weights with an underflow and an overflow channel at the ends of each axis, which get 0.1 to
 * 0.3 % of the counts: SpecTcl 5 stores these as first and last channel. With `ybins` 1 the y axis
 * gets none.
 */
export function withOverflowChannels(weights: Float64Array, xbins: number, ybins: number): Float64Array {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const xchans = xbins + 2;
  const framed = ybins === 1 ? new Float64Array(xchans) : new Float64Array(xchans * (ybins + 2));
  const rows = ybins === 1 ? 0 : 1;
  for (let y = 0; y < ybins; y++) {
    const start = (y + rows) * xchans;
    framed.set(weights.subarray(y * xbins, (y + 1) * xbins), start + 1);
    framed[start] = (total * 0.002) / ybins;
    framed[start + xbins + 1] = (total * 0.003) / ybins;
  }
  if (rows === 1) {
    for (let x = 1; x <= xbins; x++) {
      framed[x] = (total * 0.001) / xbins;
      framed[(ybins + 1) * xchans + x] = (total * 0.002) / xbins;
    }
  }
  return framed;
}
