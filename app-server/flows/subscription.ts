/**
 * Checks of a process that subscribes as the duplicator of a flow (the owner of the flow's file),
 * before the app server believes it. Called by `duplicators.ts`. Reads the flow file and /proc;
 * writes nothing.
 */
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { DuplicatorReady } from '../../protocol/rpc/contract/shapes.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { isAlive, type OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { definitionOfReady, type FlowDefinition } from './flow-definition.js';
import { livingOwner, readDefinition } from './flow-files.js';
import type { AppServerOptions } from '../options.js';

/** A duplicator that this app server has not started and that proved to own its flow. */
interface VerifiedOwner {
  readonly identity: OwnerIdentity;
  readonly definition: FlowDefinition;
}

/** Throws VERSION_MISMATCH with both versions, REFUSED for another application. */
export function checkReady(ready: DuplicatorReady, application: string): void {
  const { version, identity, flow } = ready;
  if (version !== PROTOCOL_VERSION) {
    throw new MirrorflowError(
      'VERSION_MISMATCH',
      `the duplicator (process ${identity.pid}) of flow ${flow} speaks protocol version ${version}, this app server version ${PROTOCOL_VERSION}`,
      { found: version, known: PROTOCOL_VERSION },
    );
  }
  if (ready.application !== application) {
    throw new MirrorflowError(
      'REFUSED',
      `this is the app server of ${application}, not of ${ready.application}`,
    );
  }
}

/** Compares the claim of an unknown process with the flow file. Throws REFUSED. */
export function verifyOwner(ready: DuplicatorReady, server: AppServerOptions): VerifiedOwner {
  const identity = identityFromWire(ready.identity);
  const file = flowFilePath(server.flowDirectory, server.application.name, ready.flow);
  if (!isAlive(identity) || ready.file !== file || livingOwner(file) !== identity.pid) {
    throw new MirrorflowError(
      'REFUSED',
      `process ${identity.pid} is not the owner of ${file}, and no duplicator of flow ${ready.flow}`,
      { flow: ready.flow, pid: identity.pid },
    );
  }
  return { identity, definition: definitionOfReady(ready, readDefinition(file)) };
}
