/**
 * The spectra that a SpecTcl simulator defines at its start: gamma sources, particle
 * identification, time of flight, detector hits and scalers; and the spectra of its options
 * `--spectra` and `--binding-churn`. Used by simulator.ts. Pure.
 */
import {
  type SourceName,
  gammaSpectrum,
  hitPattern,
  particleBands,
  plainSpectrum,
  scalerRates,
  timeSpectrum,
} from './shapes.js';
import type { AxisDefinition, SpectrumDefinition } from './spectrum-definition.js';

/** Bins of a filler spectrum: with under- and overflow 16 to 65,536 channels. */
const FILLER_BINS = { min: 14, max: 65_534 };

const axis = (parameter: string, low: number, high: number, bins: number, unit: string): AxisDefinition => ({
  parameter,
  low,
  high,
  bins,
  unit,
});

function gamma(index: number, source: SourceName, bins: number, maxKev: number): SpectrumDefinition {
  return {
    name: `ge.${String(index).padStart(2, '0')}.${source}`,
    type: 4,
    axes: [axis(`ge.energy.${String(index).padStart(2, '0')}`, 0, maxKev, bins, 'keV')],
    weights: gammaSpectrum(source, bins, maxKev),
  };
}

/** The spectra without options; their channels take some 1.7 MiB. */
export function defaultSpectra(): SpectrumDefinition[] {
  return [
    gamma(0, 'Co-60', 4096, 2048),
    gamma(1, 'Eu-152', 8192, 2048),
    gamma(2, 'Cs-137', 4096, 1024),
    gamma(3, 'Th-228', 8192, 4096),
    {
      name: 'pid.de-vs-e',
      type: 5,
      axes: [axis('si.e', 0, 120, 512, 'MeV'), axis('si.de', 0, 30, 512, 'MeV')],
      weights: particleBands(512, 512),
      gate: 'beam',
    },
    {
      name: 'pid.alpha',
      type: 3,
      axes: [axis('si.e', 0, 120, 256, 'MeV'), axis('si.de', 0, 30, 256, 'MeV')],
      weights: particleBands(256, 256),
      gate: 'alpha',
    },
    {
      name: 'tof',
      type: 4,
      axes: [axis('rf.tof', -150, 350, 2000, 'ns')],
      weights: timeSpectrum(2000),
      gate: 'beam',
    },
    {
      name: 'dssd.hits',
      type: 1,
      axes: [axis('dssd.x', 0, 128, 128, 'strip'), axis('dssd.y', 0, 128, 128, 'strip')],
      weights: hitPattern(128, 128),
    },
    {
      name: 'adc.raw',
      type: 2,
      axes: [axis('adc.00', 0, 4096, 4096, 'channel')],
      weights: plainSpectrum(4096),
    },
    {
      name: 'scalers',
      type: 4,
      axes: [axis('scaler', 0, 32, 32, 'input')],
      weights: scalerRates(32),
    },
  ];
}

/** `count` spectra of one shape, which together fit into `bytes` of channels. */
export function fillerSpectra(count: number, bytes: number): SpectrumDefinition[] {
  const fittingBins = Math.floor(bytes / Math.max(1, count) / 4) - 2;
  const bins = Math.max(FILLER_BINS.min, Math.min(FILLER_BINS.max, fittingBins));
  const weights = plainSpectrum(bins);
  return Array.from({ length: count }, (_, index) => ({
    name: `filler.${String(index).padStart(4, '0')}`,
    type: 4,
    axes: [axis(`filler.${String(index).padStart(4, '0')}`, 0, bins, bins, 'channel')],
    weights,
    // Each event adds one count to all fillers together.
    share: 1 / count,
  }));
}

/** The spectrum that `--binding-churn` defines and removes by turns. */
export function churnSpectrum(round: number): SpectrumDefinition {
  return {
    name: `churn.${round}`,
    type: 4,
    axes: [axis('churn', 0, 512, 512, 'channel')],
    weights: plainSpectrum(512),
  };
}
