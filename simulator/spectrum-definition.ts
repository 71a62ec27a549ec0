/** What a simulated spectrum is, for the display memory, for REST and for the events alike. */
import type { SpectrumTypeCode } from '../protocol/spectcl/display-memory.js';

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
  /** Any of the five types; Rustogramer's flavour makes long ones of all. */
  readonly type: SpectrumTypeCode;
  /** One axis for 1-D types, two for 2-D types. */
  readonly axes: readonly AxisDefinition[];
  /** Relative frequency of every bin, row by row. Without it no event goes there. */
  readonly weights?: Float64Array;
  /** Counts it gets from one event, on average. Default 0.5. */
  readonly share?: number;
  readonly gate?: string;
  /** No under- and overflow channels, in SpecTcl's flavour too. */
  readonly bare?: boolean;
}

/** Names that REST has for the sizes of channels. */
export const CHANNEL_TYPE_NAMES = { 1: 'byte', 2: 'word', 3: 'word', 4: 'long', 5: 'long' } as const;

/** Rustogramer stores only the two long types. */
export function storedType(type: SpectrumTypeCode, flavour: Flavour): SpectrumTypeCode {
  if (flavour === 'spectcl') return type;
  return type === 2 || type === 4 ? 4 : 5;
}
