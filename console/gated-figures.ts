/**
 * The figures of a spectrum inside SpecTcl's gates, in one publication of the mirror. `mirrorflow
 * integrate` calls it. Reads the mirror; asks SpecTcl's REST service for gates and axes.
 */
import { gateFigures, type GateFigures, type GateRule } from '../analysis/gates/gate-figures.js';
import type { GateAxis } from '../analysis/gates/gate-outline.js';
import type { Client } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { gateShape, isDrawnOn, type GateShape } from '../protocol/spectcl/gate-shape.js';
import type { SpecTclSpectrum } from '../protocol/spectcl/rest-client.js';
import { connectSpecTclRest } from '../protocol/spectcl/rest-connection.js';
import { withSpectrum } from './mirrored-spectrum.js';

interface GatedFigures {
  readonly results: readonly ({ readonly gate: string } & GateFigures)[];
  readonly sequence: number;
  readonly timestampNs: number;
  readonly state: string;
}

const REQUEST_TIMEOUT_MS = 5_000;
/** Names that an error lists. */
const NAMES_SHOWN = 10;

/**
 * `gate` undefined: every gate that is drawn on the spectrum. Throws UNKNOWN_SPECTRUM, BAD_OPTION
 * for a gate that is not drawn on it, and what the requests to SpecTcl throw.
 */
export async function figuresInGates(
  client: Client,
  name: string,
  gate: string | undefined,
  rule: GateRule,
): Promise<GatedFigures> {
  const mirror = await client.mirror();
  const { spectrum, gates } = await askSource(client, name);
  return withSpectrum(mirror, name, ({ binding, counts }, { sequence, timestampNs }) => {
    const drawn = gates.filter((shape) => isDrawnOn(shape, axesOf(binding.dimensions, spectrum)));
    const chosen = gate === undefined ? drawn : [gateOf(gate, name, drawn)];
    const x = gateAxis(binding.xchans, binding.xmin, binding.xmax, spectrum?.axes[0]?.bins);
    const y =
      binding.dimensions === 1
        ? undefined
        : gateAxis(binding.ychans, binding.ymin, binding.ymax, spectrum?.axes[1]?.bins);
    const results = chosen.map((shape) => {
      const { counts: inside, moments } = gateFigures({ counts, x, y }, shape, rule);
      return { gate: shape.name, counts: inside, moments };
    });
    return { results, sequence, timestampNs, state: mirror.state };
  });
}

async function askSource(
  client: Client,
  name: string,
): Promise<{ spectrum: SpecTclSpectrum | undefined; gates: GateShape[] }> {
  const { source, name: app } = await client.appInfo();
  if (source?.startsWith('spectcl:') !== true) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `application ${app} has no SpecTcl on this host, which has the gates; ask on the host that mirrors it`,
      { app },
    );
  }
  const rest = await connectSpecTclRest(source, REQUEST_TIMEOUT_MS);
  try {
    const [spectra, gates] = await Promise.all([rest.spectra(), rest.gates()]);
    return {
      spectrum: spectra.find((listed) => listed.name === name),
      gates: gates.flatMap((listed) => gateShape(listed) ?? []),
    };
  } finally {
    rest.close();
  }
}

function axesOf(dimensions: number, spectrum: SpecTclSpectrum | undefined): (string | undefined)[] {
  const { parameters = [] } = spectrum ?? {};
  return dimensions === 1 ? [parameters[0]] : [parameters[0], parameters[1]];
}

function gateOf(gate: string, spectrum: string, drawn: readonly GateShape[]): GateShape {
  const found = drawn.find(({ name }) => name === gate);
  if (found !== undefined) return found;
  const names = drawn.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const others = names.length === 0 ? 'no gate is' : `these are: ${names.join(', ')}`;
  throw new MirrorflowError(
    'BAD_OPTION',
    `gate ${JSON.stringify(gate)} is not drawn on ${spectrum}: its parameters or its type differ; ${others}`,
    { gate, spectrum },
  );
}

/** Two more channels than bins are under- and overflow. */
function gateAxis(channels: number, low: number, high: number, bins = channels): GateAxis {
  return { channels, first: channels - bins === 2 ? 1 : 0, bins: Math.min(bins, channels), low, high };
}
