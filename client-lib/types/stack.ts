/**
 * A stack of layers as a flow's identity names it, and whether it fits what a flow file says of
 * itself. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowIdentity } from '../../protocol/flow/flow-file/identity.js';
import type { FlowLayer, LayerProperties } from './flow-type.js';

const LAYER_NAME = /^[A-Za-z0-9][A-Za-z0-9._:+-]*$/;
/** Longest name of a stack: what `flow.open` takes as a type. */
const TYPE_CHARACTERS = 64;
const LAYERS_MAX = 8;
const METADATA_ALIGNMENT_BYTES = 8;

/** What a stack is called in the flow file's identity. */
export interface StackIdentity {
  /** The layers' names from the outermost in, joined by `/`. */
  readonly type: string;
  /** Properties of each layer that has some, under its name. */
  readonly properties: Readonly<Record<string, LayerProperties>>;
}

/**
 * Throws BAD_OPTION for a stack that cannot be named: bad or repeated names, metadata that would
 * break the alignment, too many layers.
 */
export function stackIdentity(type: FlowLayer): StackIdentity {
  const layers = layersOf(type);
  const properties: Record<string, LayerProperties> = {};
  for (const { name, metadataBytes, properties: own } of layers) {
    if (!LAYER_NAME.test(name)) {
      throw badType(`${JSON.stringify(name)} is no name of a layer: letters, digits and "._:+-"`);
    }
    if (
      !Number.isInteger(metadataBytes) ||
      metadataBytes < 0 ||
      metadataBytes % METADATA_ALIGNMENT_BYTES !== 0
    ) {
      throw badType(
        `the metadata of layer ${name} take ${metadataBytes} bytes; it must be a multiple of ${METADATA_ALIGNMENT_BYTES}`,
      );
    }
    if (own !== undefined && Object.keys(own).length > 0) properties[name] = own;
  }
  const names = layers.map(({ name }) => name);
  const joined = names.join('/');
  if (new Set(names).size !== names.length) throw badType(`the stack ${joined} has a layer twice`);
  if (joined.length > TYPE_CHARACTERS) {
    throw badType(`the name ${joined} of this stack is longer than ${TYPE_CHARACTERS} characters`);
  }
  return { type: joined, properties };
}

/**
 * Bytes that a payload of so many bytes takes in the flow at most: the metadata of every layer are
 * added.
 */
export function encodedBytes(type: FlowLayer, payloadBytes: number): number {
  let bytes = payloadBytes;
  for (const { metadataBytes } of layersOf(type)) bytes += metadataBytes;
  return bytes;
}

/**
 * Throws WRONG_FLOW_TYPE, naming both sides, when a flow is not what this stack reads or writes.
 * @param found what its flow file says
 */
export function checkStack(
  type: FlowLayer,
  direction: 'input' | 'output',
  found: Pick<FlowIdentity, 'flow' | 'type' | 'properties'>,
): void {
  const wanted = stackIdentity(type);
  const fits =
    found.type === wanted.type &&
    (direction === 'output'
      ? isDeepStrictEqual(found.properties, plain(wanted.properties))
      : layersOf(type).every((layer) => accepts(layer, propertiesOf(found.properties, layer.name))));
  if (fits) return;
  const is = describe(found);
  const was = describe(wanted);
  throw new MirrorflowError(
    'WRONG_FLOW_TYPE',
    `flow ${found.flow} has type ${is}, and was to be opened as ${was}`,
    { flow: found.flow, found: is, expected: was },
  );
}

/** `array {"kind":"f64"}`, `deflate/json`: for people. */
function describe({ type, properties }: Pick<FlowIdentity, 'type' | 'properties'>): string {
  return Object.keys(properties).length === 0 ? type : `${type} ${JSON.stringify(properties)}`;
}

function accepts(layer: FlowLayer, found: LayerProperties | undefined): boolean {
  if (found === undefined) return false;
  return layer.accepts?.(found) ?? isDeepStrictEqual(found, plain(layer.properties ?? {}));
}

function propertiesOf(all: LayerProperties, layer: string): LayerProperties | undefined {
  const own = Object.hasOwn(all, layer) ? all[layer] : {};
  return typeof own === 'object' && own !== null && !Array.isArray(own)
    ? (own as LayerProperties)
    : undefined;
}

/** As it comes back from a flow file. */
function plain(properties: LayerProperties): unknown {
  return JSON.parse(JSON.stringify(properties));
}

function layersOf(type: FlowLayer): FlowLayer[] {
  const layers: FlowLayer[] = [];
  for (let layer: FlowLayer | undefined = type; layer !== undefined; layer = layer.inner) {
    if (layers.length === LAYERS_MAX) throw badType(`a stack has at most ${LAYERS_MAX} layers`);
    layers.push(layer);
  }
  return layers;
}

function badType(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message, { option: 'type' });
}
