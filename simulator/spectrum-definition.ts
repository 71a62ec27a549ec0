/**
 * The definition of a simulated spectrum: what the display memory, the REST service and the drawing
 * of events need. Used by all files of the simulator. Types and tables only.
 */
import type { SpectrumTypeCode } from '../protocol/spectcl/display-memory.js';

/** The program that is simulated. */
export type Flavour = 'spectcl' | 'rustogramer';

export interface AxisDefinition {
  readonly parameter: string;
  readonly low: number;
  readonly high: number;
  readonly bins: number;
  readonly unit: string;
}

export interface SpectrumDefinition {
  readonly name: string;
  /** One of the five types; Rustogramer stores all as long ones. */
  readonly type: SpectrumTypeCode;
  /** One axis for 1-D types, two for 2-D types. */
  readonly axes: readonly AxisDefinition[];
  /** Relative frequency of each bin, row by row. A spectrum without weights gets no events. */
  readonly weights?: Float64Array;
  /** Average number of counts per event. Default 0.5. */
  readonly share?: number;
  readonly gate?: string;
  /** Stores no under- and overflow channels, also when simulating SpecTcl. */
  readonly bare?: boolean;
}

/** The REST service's names of channel sizes, by type. */
export const CHANNEL_TYPE_NAMES = { 1: 'byte', 2: 'word', 3: 'word', 4: 'long', 5: 'long' } as const;

/** Rustogramer stores only the two long types. */
export function storedType(type: SpectrumTypeCode, flavour: Flavour): SpectrumTypeCode {
  if (flavour === 'spectcl') return type;
  return type === 2 || type === 4 ? 4 : 5;
}
