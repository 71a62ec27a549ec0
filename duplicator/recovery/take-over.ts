/**
 * Taking over a dead owner's flow file in place: the same inode, epoch and sequences under a new
 * owner, so that whoever has it mapped goes on where he was.
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

/** What the flow is to be; a file that is anything else is replaced. */
export interface WantedFlow {
  readonly path: string;
  readonly identity: FlowIdentity;
  readonly slotCount: number;
  readonly payloadCapacity: number;
  /** Bits of FLOW_FLAGS. */
  readonly flags: number;
}

/**
 * The file under this process's name, mapped for writing; or why it is not the one that is wanted.
 * Nothing is changed then.
 */
export function takeOver(wanted: WantedFlow): FlowFile | string {
  try {
    return withLock(join(dirname(wanted.path), LOCK_NAME), () => {
      const file = openFlowFile(wanted.path, 'read-write');
      if (isAlive(file.owner)) return `process ${file.owner.pid} owns it now`;
      const difference = differs(file, wanted);
      return difference ?? file.ownedBy(ownIdentity());
    });
  } catch (error) {
    return describeError(error);
  }
}

function differs(file: FlowFile, wanted: WantedFlow): string | undefined {
  const { identity, geometry, flags, owner } = file;
  const uid = statSync(file.path).uid;
  const own = ownIdentity();
  const facts: readonly (readonly [what: string, is: unknown, wanted: unknown])[] = [
    ['application', identity.application, wanted.identity.application],
    ['flow', identity.flow, wanted.identity.flow],
    ['type', identity.type, wanted.identity.type],
    ['properties', JSON.stringify(identity.properties), JSON.stringify(wanted.identity.properties)],
    ['buffers', geometry.slotCount, wanted.slotCount],
    ['buffer size', geometry.payloadCapacity, wanted.payloadCapacity],
    ['flags', flags, wanted.flags],
    ['boot', owner.bootId ?? '', own.bootId ?? ''],
    ['user', uid, process.geteuid?.() ?? uid],
  ];
  const different = facts.find(([, is, asked]) => is !== asked);
  if (different === undefined) return undefined;
  const [what, is, asked] = different;
  return `its ${what} is ${String(is)}, and ${String(asked)} is wanted`;
}
