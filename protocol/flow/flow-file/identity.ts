/**
 * What a flow file says of itself: application, flow, type and properties, as JSON in its header.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

export interface FlowIdentity {
  readonly application: string;
  readonly flow: string;
  /** The flow type, `bytes` for plain buffers, `spectra` for a display memory. */
  readonly type: string;
  /** Properties of the type; plain JSON. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The identity as it stands in the file, which also names the boot its owner's pid belongs to. */
export interface DecodedIdentity extends FlowIdentity {
  readonly bootId: string;
}

export function encodeIdentity(identity: FlowIdentity, bootId: string): Buffer {
  const bytes = Buffer.from(JSON.stringify({ ...identity, bootId }), 'utf8');
  if (bytes.length > LIMITS.identityBytes) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `the properties of flow ${identity.flow} take ${bytes.length} bytes as JSON; at most ${LIMITS.identityBytes} fit`,
      { bytes: bytes.length, limitBytes: LIMITS.identityBytes },
    );
  }
  return bytes;
}

/** Returns undefined for anything that is not an identity. */
export function decodeIdentity(bytes: Uint8Array): DecodedIdentity | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { application, flow, type, properties, bootId } = value as Record<string, unknown>;
  if (
    typeof application !== 'string' ||
    typeof flow !== 'string' ||
    typeof type !== 'string' ||
    typeof bootId !== 'string'
  )
    return undefined;
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) return undefined;
  return { application, flow, type, properties: properties as Record<string, unknown>, bootId };
}
