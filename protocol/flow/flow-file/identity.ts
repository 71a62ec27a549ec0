/**
 * The identity of a flow file: application, flow, type and properties, stored as JSON in the file's
 * header. Encoded by the owner when it creates the file (create.ts), decoded wherever a file is
 * opened (header.ts). Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

export interface FlowIdentity {
  readonly application: string;
  readonly flow: string;
  /** The flow type: `bytes` for plain buffers, `spectra` for a SpecTcl display memory. */
  readonly type: string;
  /** Properties that the flow type defines; plain JSON. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * The identity as stored, with the boot id of the system in which its owner's process id is valid.
 */
export interface DecodedIdentity extends FlowIdentity {
  readonly bootId: string;
}

/** Throws TOO_LARGE when the JSON exceeds LIMITS.identityBytes. */
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
