/** What a flow is, apart from any process: its definition, and which open requests fit it. Pure. */
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import type { DuplicatorReady, OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { geometryOf } from '../../protocol/flow/flow-file/geometry.js';
import { checkFlowType } from '../../protocol/base/names.js';

/** The flow and the flow type of an application's spectra. */
export const SPECTRA = 'spectra';

/** The type of plain buffers, when a provider states none. */
const PLAIN_TYPE = 'bytes';

export interface FlowDefinition {
  readonly flow: string;
  readonly type: string;
  /**
   * `input`: the duplicator gets the data from a source; `output`: from a provider on this host.
   */
  readonly direction: 'input' | 'output';
  readonly source?: string;
  /** The host whose duplicator is the source, where it is known. */
  readonly remote?: string;
  /** Bytes of a buffer and buffers of the ring; a source decides them itself. */
  readonly sizes?: FlowSizes;
  /** Properties of the type, JSON. */
  readonly properties: string;
}

export interface FlowSizes {
  readonly bufferSize: number;
  readonly buffers: number;
}

export function spectraDefinition(source: string): FlowDefinition {
  return { flow: SPECTRA, type: SPECTRA, direction: 'input', source, properties: '{}' };
}

/**
 * A flow that the duplicator of another host sends; `source` is where that listens, undefined while
 * it is not known.
 */
export function remoteDefinition(
  flow: string,
  type: string,
  remote: string,
  source?: string,
): FlowDefinition {
  const address = source === undefined ? {} : { source };
  return { flow, type, direction: 'input', remote, ...address, properties: '{}' };
}

/** Whether the data come from the duplicator of another host. */
export function isRemote({ remote, source }: FlowDefinition): boolean {
  return remote !== undefined || (source !== undefined && /^(?:tcp|tls):/.test(source));
}

/** The definition that a first provider gives. Throws BAD_OPTION or TOO_LARGE. */
export function definitionOfProvider(request: OpenRequest): FlowDefinition {
  const { flow, type = PLAIN_TYPE, bufferSize, buffers, properties = '{}' } = request;
  if (bufferSize === undefined || buffers === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `flow ${flow} is not defined yet: its first provider must state bufferSize and buffers`,
      { flow },
    );
  }
  checkFlowType(type);
  geometryOf(buffers, bufferSize);
  const plain = plainProperties(flow, properties);
  return { flow, type, direction: 'output', sizes: { bufferSize, buffers }, properties: plain };
}

/**
 * What a duplicator that was found running says of its flow. `properties` come from its flow file.
 */
export function definitionOfReady(ready: DuplicatorReady, properties: string): FlowDefinition {
  const { flow, type, source, bufferSize, buffers } = ready;
  const base = { flow, type, properties };
  return source === undefined
    ? { ...base, direction: 'output', sizes: { bufferSize, buffers } }
    : { ...base, direction: 'input', source };
}

/** Throws WRONG_FLOW_TYPE with both types, REFUSED for a provider of a flow that has a source. */
export function checkRequest(definition: FlowDefinition, request: OpenRequest): void {
  const { flow, type } = definition;
  if (request.type !== undefined && request.type !== type) {
    throw new MirrorflowError(
      'WRONG_FLOW_TYPE',
      `flow ${flow} has type ${type}, and was to be opened as ${request.type}`,
      { flow, found: type, expected: request.type },
    );
  }
  if (request.direction === 'output' && definition.direction === 'input') {
    throw new MirrorflowError(
      'REFUSED',
      `flow ${flow} gets its data from ${definition.source ?? 'a source'}; it takes no provider`,
      { flow },
    );
  }
}

/** Whether a provider asks for another flow than this one. What it does not state is the flow's. */
export function asksForAnother(definition: FlowDefinition, request: OpenRequest): boolean {
  const { sizes, properties } = definition;
  if (request.direction === 'input' || sizes === undefined) return false;
  const { bufferSize = sizes.bufferSize, buffers = sizes.buffers } = request;
  const asked =
    request.properties === undefined ? properties : plainProperties(request.flow, request.properties);
  return bufferSize !== sizes.bufferSize || buffers !== sizes.buffers || asked !== properties;
}

/** Whether a duplicator that was found running (`found`) does what a flow is defined to be. */
export function serves(found: FlowDefinition, definition: FlowDefinition): boolean {
  if (found.type !== definition.type || found.direction !== definition.direction) return false;
  // Where the other host's duplicator listens may have changed, and is told to the one that runs.
  if (isRemote(definition)) return isRemote(found);
  if (definition.direction === 'input') return plainAddress(found.source) === plainAddress(definition.source);
  const [is, wanted] = [found.sizes, definition.sizes];
  return (
    is?.bufferSize === wanted?.bufferSize &&
    is?.buffers === wanted?.buffers &&
    found.properties === definition.properties
  );
}

function plainAddress(source: string | undefined): string | undefined {
  try {
    return source === undefined ? undefined : formatAddress(parseAddress(source));
  } catch {
    return source;
  }
}

/**
 * Properties as JSON without spaces, so that two spellings of the same ones are equal. Throws
 * BAD_OPTION.
 */
function plainProperties(flow: string, properties: string): string {
  let value: unknown;
  try {
    value = JSON.parse(properties);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return JSON.stringify(value);
  throw new MirrorflowError('BAD_OPTION', `the properties of flow ${flow} must be a JSON object`, { flow });
}
