/**
 * Descriptions of spectra as the viewer sends them, of which a test changes what it is about. Used
 * by tests of `web/`. Pure.
 */
import type { SpectrumInfo } from '../../web/wire/spectrum-info.js';

/** 100 channels of one keV, with one for underflow and one for overflow. */
export function sampleHistogram(changes: Partial<SpectrumInfo> = {}): SpectrumInfo {
  return {
    name: 's',
    type: '1D long',
    dimensions: 1,
    xchans: 102,
    ychans: 1,
    xmin: 0,
    xmax: 100,
    ymin: 0,
    ymax: 0,
    xlabel: 'keV',
    ylabel: '',
    xoutside: true,
    youtside: false,
    ...changes,
  };
}

/** 100 by 50 channels, with under- and overflow on both axes. */
export function sampleMap(changes: Partial<SpectrumInfo> = {}): SpectrumInfo {
  return {
    ...sampleHistogram(),
    name: 'map',
    type: '2D long',
    dimensions: 2,
    ychans: 52,
    ymax: 50,
    xlabel: 'x',
    ylabel: 'y',
    youtside: true,
    ...changes,
  };
}
