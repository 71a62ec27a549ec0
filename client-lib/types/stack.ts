/**
 * A stack of layers (a flow type) as the identity in a flow file names it, and the check of a stack
 * against that identity. Used when typed flows are opened. Pure: no I/O.
 */
import { isDeepStrictEqual } from 'node:util';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowIdentity } from '../../protocol/flow/flow-file/identity.js';
import type { FlowLayer, LayerProperties } from './flow-type.js';

const LAYER_NAME = /^[A-Za-z0-9][A-Za-z0-9._:+-]*$/;
/** Longest name of a stack, the limit of `flow.open` for a type. */
const TYPE_CHARACTERS = 64;
const LAYERS_MAX = 8;
const METADATA_ALIGNMENT_BYTES = 8;

/** Name and properties of a stack in the flow file's identity. */
export interface StackIdentity {
  /** The layers' names from the outermost in, joined by `/`. */
  readonly type: string;
  /** Properties of the layers under their names; layers without properties are left out. */
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
      throw badType(
        `${JSON.stringify(name)} is not a valid name of a layer; use letters, digits and "._:+-"`,
      );
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
 * Most bytes that a payload takes in the flow: the payload and the metadata of all layers.
 */
export function encodedBytes(type: FlowLayer, payloadBytes: number): number {
  let bytes = payloadBytes;
  for (const { metadataBytes } of layersOf(type)) bytes += metadataBytes;
  return bytes;
}

/**
 * Throws WRONG_FLOW_TYPE, naming both types, when this stack cannot read or write the flow.
 * `identity`: from the flow file.
 */
export function checkStack(
  type: FlowLayer,
  direction: 'input' | 'output',
  identity: Pick<FlowIdentity, 'flow' | 'type' | 'properties'>,
): void {
  const expected = stackIdentity(type);
  const fits =
    identity.type === expected.type &&
    (direction === 'output'
      ? isDeepStrictEqual(identity.properties, plain(expected.properties))
      : layersOf(type).every((layer) => accepts(layer, propertiesOf(identity.properties, layer.name))));
  if (fits) return;
  const foundType = describe(identity);
  const expectedType = describe(expected);
  throw new MirrorflowError(
    'WRONG_FLOW_TYPE',
    `flow ${identity.flow} has type ${foundType}, and was to be opened as ${expectedType}`,
    { flow: identity.flow, found: foundType, expected: expectedType },
  );
}

/** For messages: `array {"kind":"f64"}`, `deflate/json`. */
function describe({ type, properties }: Pick<FlowIdentity, 'type' | 'properties'>): string {
  return Object.keys(properties).length === 0 ? type : `${type} ${JSON.stringify(properties)}`;
}

function accepts(layer: FlowLayer, provided: LayerProperties | undefined): boolean {
  if (provided === undefined) return false;
  return layer.accepts?.(provided) ?? isDeepStrictEqual(provided, plain(layer.properties ?? {}));
}

function propertiesOf(all: LayerProperties, layer: string): LayerProperties | undefined {
  const own = Object.hasOwn(all, layer) ? all[layer] : {};
  return typeof own === 'object' && own !== null && !Array.isArray(own)
    ? (own as LayerProperties)
    : undefined;
}

/** The properties as a flow file stores them. */
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
