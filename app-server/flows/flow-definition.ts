/**
 * What a flow is, apart from any process: name, type, where its data come from, sizes, properties;
 * and which requests and which running duplicators fit that definition. Used by `flows.ts`,
 * `duplicators.ts` and `remote/`. Pure: no I/O.
 */
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import type { DuplicatorReady, OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import type { LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { geometryOf } from '../../protocol/flow/flow-file/geometry.js';
import { checkFlowType } from '../../protocol/base/names.js';

/** The flow and the flow type of an application's spectra. */
export const SPECTRA = 'spectra';

/** The flow type of a provider that states none. */
const PLAIN_TYPE = 'bytes';

export interface FlowDefinition {
  readonly flow: string;
  readonly type: string;
  /** `input`: the duplicator reads a source; `output`: a provider on this host writes the data. */
  readonly direction: 'input' | 'output';
  /** Address of a SpecTcl or of a duplicator on another host. */
  readonly source?: string;
  /** The host whose duplicator is the source, where that is known. */
  readonly remote?: string;
  /** Undefined for a flow with a source, which decides the sizes itself. */
  readonly sizes?: FlowSizes;
  /** Properties of the type, a JSON object without spaces. */
  readonly properties: string;
  /** `datagram`: the flow has a datagram link beside the stream link. Undefined: it has none. */
  readonly signal?: LinkSignal | undefined;
}

export interface FlowSizes {
  /** Bytes. */
  readonly bufferSize: number;
  /** Buffers of the ring. */
  readonly buffers: number;
}

/** Whether the flow has a datagram link. */
export function hasDatagrams({ signal }: Pick<FlowDefinition, 'signal'>): boolean {
  return signal === 'datagram';
}

/** The mirror of the SpecTcl at `source`. */
export function spectraDefinition(source: string): FlowDefinition {
  return { flow: SPECTRA, type: SPECTRA, direction: 'input', source, properties: '{}' };
}

/**
 * A flow that the duplicator of host `remote` sends; `source` is the address where that listens,
 * undefined while the address is not known.
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

/** Whether the data come from another site, over NATS. */
export function isFromSite({ source }: Pick<FlowDefinition, 'source'>): boolean {
  return source?.startsWith('nats:') === true;
}

/** Whether the data come from the duplicator of another host, or from another site. */
export function isRemote({ remote, source }: FlowDefinition): boolean {
  return remote !== undefined || (source !== undefined && /^(?:tcp|tls|nats):/.test(source));
}

/** The definition that a first provider gives. Throws BAD_OPTION or TOO_LARGE. */
export function definitionOfProvider(request: OpenRequest): FlowDefinition {
  const { flow, type = PLAIN_TYPE, bufferSize, buffers, properties = '{}', signal } = request;
  if (bufferSize === undefined || buffers === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `flow ${flow} is not defined yet: its first provider must state bufferSize and buffers`,
      { flow },
    );
  }
  checkFlowType(type);
  geometryOf(buffers, bufferSize);
  const canonical = canonicalProperties(flow, properties);
  return { flow, type, direction: 'output', sizes: { bufferSize, buffers }, properties: canonical, signal };
}

/** The definition that a running duplicator reports; `inFile` comes from its flow file. */
export function definitionOfReady(
  ready: DuplicatorReady,
  inFile: Pick<FlowDefinition, 'properties' | 'signal'>,
): FlowDefinition {
  const { flow, type, source, bufferSize, buffers } = ready;
  const base = { flow, type, ...inFile };
  return source === undefined
    ? { ...base, direction: 'output', sizes: { bufferSize, buffers } }
    : { ...base, direction: 'input', source };
}

/** Throws WRONG_FLOW_TYPE with both types, REFUSED for a provider of a flow that has a source. */
export function checkRequest(definition: FlowDefinition, request: OpenRequest): void {
  const { flow } = definition;
  checkType(definition, request);
  if (request.direction === 'output' && definition.direction === 'input') {
    throw new MirrorflowError(
      'REFUSED',
      `flow ${flow} gets its data from ${definition.source ?? 'a source'}; it takes no provider`,
      { flow },
    );
  }
}

/** Throws WRONG_FLOW_TYPE when a request states another type than the flow has. */
export function checkType({ flow, type }: FlowDefinition, request: OpenRequest): void {
  if (request.type === undefined || request.type === type) return;
  throw new MirrorflowError(
    'WRONG_FLOW_TYPE',
    `flow ${flow} has type ${type}; the request states type ${request.type}`,
    { flow, found: type, expected: request.type },
  );
}

/**
 * Whether a provider requests other sizes, properties or links than the flow has. What a request
 * leaves out stays as the flow has it.
 */
export function requestsRedefinition(definition: FlowDefinition, request: OpenRequest): boolean {
  const { sizes, properties } = definition;
  if (request.direction === 'input' || sizes === undefined) return false;
  const { bufferSize = sizes.bufferSize, buffers = sizes.buffers, signal } = request;
  if (signal !== undefined && hasDatagrams({ signal }) !== hasDatagrams(definition)) return true;
  const requested =
    request.properties === undefined ? properties : canonicalProperties(request.flow, request.properties);
  return bufferSize !== sizes.bufferSize || buffers !== sizes.buffers || requested !== properties;
}

/** Whether a running duplicator, which reports `running`, does what the flow is defined to be. */
export function fits(running: FlowDefinition, definition: FlowDefinition): boolean {
  if (running.type !== definition.type || running.direction !== definition.direction) return false;
  // The address of the other host's duplicator may have changed; a running one can be redirected.
  if (isRemote(definition) && isFromSite(definition) === isFromSite(running)) return isRemote(running);
  if (definition.direction === 'input') {
    return canonicalAddress(running.source) === canonicalAddress(definition.source);
  }
  return (
    running.sizes?.bufferSize === definition.sizes?.bufferSize &&
    running.sizes?.buffers === definition.sizes?.buffers &&
    running.properties === definition.properties &&
    hasDatagrams(running) === hasDatagrams(definition)
  );
}

function canonicalAddress(source: string | undefined): string | undefined {
  try {
    return source === undefined ? undefined : formatAddress(parseAddress(source));
  } catch {
    return source;
  }
}

/** JSON without spaces, so that two spellings of the same object are equal. Throws BAD_OPTION. */
function canonicalProperties(flow: string, properties: string): string {
  let value: unknown;
  try {
    value = JSON.parse(properties);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return JSON.stringify(value);
  throw new MirrorflowError('BAD_OPTION', `the properties of flow ${flow} must be a JSON object`, { flow });
}
