/**
 * Takes over a dead owner's flow file in place: the same inode, epoch and sequences under a new
 * owner, so that every process that has it mapped continues at its position. Called by
 * obtain-file.ts after the file was found sound or repaired. Maps the file for writing and holds
 * the claim lock of its directory meanwhile.
 */
import { dirname, join } from 'node:path';
import { statSync } from 'node:fs';
import { withLock } from '../../protocol/base/files/claim-lock.js';
import { LOCK_NAME } from '../../protocol/base/files/claim.js';
import { describeError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { FlowIdentity } from '../../protocol/flow/flow-file/identity.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';

/** The flow that the new owner serves; a file of any other flow is replaced. */
export interface RequiredFlow {
  readonly path: string;
  readonly identity: FlowIdentity;
  readonly slotCount: number;
  readonly payloadCapacity: number;
  /** Bits of FLOW_FLAGS. */
  readonly flags: number;
}

/**
 * The file with this process as its owner, mapped for writing; or, with the file unchanged, the
 * reason why it cannot be taken over.
 */
export function takeOver(required: RequiredFlow): FlowFile | string {
  try {
    return withLock(join(dirname(required.path), LOCK_NAME), () => {
      const file = openFlowFile(required.path, 'read-write');
      if (isAlive(file.owner)) return `process ${file.owner.pid} owns it now`;
      const difference = differenceOf(file, required);
      return difference ?? file.ownedBy(ownIdentity());
    });
  } catch (error) {
    return describeError(error);
  }
}

function differenceOf(file: FlowFile, required: RequiredFlow): string | undefined {
  const { identity, geometry, flags, owner } = file;
  const uid = statSync(file.path).uid;
  const own = ownIdentity();
  const facts: readonly (readonly [name: string, actual: unknown, required: unknown])[] = [
    ['application', identity.application, required.identity.application],
    ['flow', identity.flow, required.identity.flow],
    ['type', identity.type, required.identity.type],
    ['properties', JSON.stringify(identity.properties), JSON.stringify(required.identity.properties)],
    ['buffers', geometry.slotCount, required.slotCount],
    ['buffer size', geometry.payloadCapacity, required.payloadCapacity],
    ['flags', flags, required.flags],
    ['boot', owner.bootId ?? '', own.bootId ?? ''],
    ['user', uid, process.geteuid?.() ?? uid],
  ];
  const different = facts.find(([, actual, expected]) => actual !== expected);
  if (different === undefined) return undefined;
  const [name, actual, expected] = different;
  return `its ${name} is ${String(actual)}; ${String(expected)} is required`;
}
