/**
 * Where the counts of a view come from: the present ones of an application (`AppWatch`), or those
 * of a recorded moment (`Moment`). `PageSession` encodes frames of either. Types only.
 */
import type { SpecTclSpectrum } from '../../protocol/spectcl/rest-shapes.js';
import type { PublicationInfo } from './publication-reader.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumCache } from './spectrum-cache.js';

export interface CountsSource {
  readonly cache: SpectrumCache;
  /** The publication that the counts of the cache are of. */
  readonly publication: PublicationInfo;
  readonly metadata: {
    /** Grows with every change. */
    readonly revision: number;
    spectrum(name: string): SpecTclSpectrum | undefined;
  };
  /** The gates with which figures inside gates are computed. */
  readonly gates: readonly GateShape[];
  /** Why there are no counts. */
  readonly problem?: string | undefined;
}
