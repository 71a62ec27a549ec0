/**
 * Which gates are drawn on a view of a spectrum. The page draws them, the server sums inside them.
 * Pure.
 */
import { isDrawnOn, type GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';

/** The parameters of the axes that a view has: one for 1-D spectra and projections. */
export function parametersOf(
  { dimensions, parameters = [] }: SpectrumInfo,
  projection: 'x' | 'y' | undefined,
): readonly (string | undefined)[] {
  if (projection === 'y') return [parameters[1]];
  return dimensions === 1 || projection === 'x' ? [parameters[0]] : [parameters[0], parameters[1]];
}

/** Slices for one axis, contours and bands for two. */
export function gatesOn(
  info: SpectrumInfo,
  projection: 'x' | 'y' | undefined,
  gates: readonly GateShape[],
): readonly GateShape[] {
  const axes = parametersOf(info, projection);
  return gates.filter((gate) => isDrawnOn(gate, axes));
}
