/**
 * The description of a spectrum that pages receive: its binding (the entry of SpecTcl's shared
 * display memory with name, type, axes and place of its counts) joined with what the source's REST
 * service adds (bins, parameters, gate). Used for lists and frames. Pure.
 */
import type { Binding } from '../../client-lib/index.js';
import type { SpecTclSpectrum } from '../../protocol/spectcl/rest-client.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';

/** `rest`: the answer of the REST service for this spectrum, undefined without one. */
export function spectrumInfo(binding: Binding, rest: SpecTclSpectrum | undefined): SpectrumInfo {
  const { name, type, dimensions, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel } = binding;
  return {
    name,
    type: type.name,
    dimensions,
    xchans,
    ychans,
    xmin: finite(xmin),
    xmax: finite(xmax),
    ymin: finite(ymin),
    ymax: finite(ymax),
    xlabel,
    ylabel,
    // SpecTcl 5 stores under- and overflow as first and last channel, so it has two bins fewer.
    xoutside: rest?.axes[0]?.bins === xchans - 2,
    youtside: dimensions === 2 && rest?.axes[1]?.bins === ychans - 2,
    ...(rest === undefined ? {} : { parameters: rest.parameters }),
    ...(rest?.gate === undefined ? {} : { gate: rest.gate }),
  };
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
