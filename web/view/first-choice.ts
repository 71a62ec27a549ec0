/**
 * What a page shows when its user has not chosen: which application, and which of its spectra.
 * `ViewerPage` of the page asks when the lists arrive. Pure.
 */
import type { ApplicationSummary } from '../wire/application.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';

/** Spectra of each dimension that a page without plots in its address shows. */
const SUGGESTED_PER_DIMENSION = 2;

/** The first running application, or else the first; undefined without any. */
export function firstApplication(applications: readonly ApplicationSummary[]): string | undefined {
  return (firstRunning(applications) ?? applications[0])?.name;
}

/** The running application to show instead of `app`; undefined where that runs, or none does. */
export function runningInsteadOf(
  app: string | undefined,
  applications: readonly ApplicationSummary[],
): string | undefined {
  const runs = applications.some(({ name, state }) => name === app && state === 'running');
  return runs ? undefined : firstRunning(applications)?.name;
}

/** The names of the largest spectra of each dimension, in the order of the list. */
export function suggestedSpectra(spectra: readonly SpectrumInfo[]): string[] {
  const largest = (dimensions: 1 | 2): SpectrumInfo[] =>
    spectra
      .filter((info) => info.dimensions === dimensions)
      .sort((one, other) => other.xchans * other.ychans - one.xchans * one.ychans)
      .slice(0, SUGGESTED_PER_DIMENSION);
  const suggested = new Set([...largest(1), ...largest(2)]);
  return spectra.filter((info) => suggested.has(info)).map(({ name }) => name);
}

function firstRunning(applications: readonly ApplicationSummary[]): ApplicationSummary | undefined {
  return applications.find(({ state }) => state === 'running');
}
