/** What is checked of a process that says it is the duplicator of a flow, before it is believed. */
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { DuplicatorReady } from '../../protocol/rpc/contract/shapes.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { isAlive, type OwnerIdentity } from '../../protocol/base/owner-identity.js';
import { definitionOfReady, type FlowDefinition } from './flow-definition.js';
import { livingOwner, propertiesIn } from './flow-files.js';
import type { AppServerOptions } from '../options.js';

/** A duplicator that was found running, and really is the owner of its flow. */
interface FoundDuplicator {
  readonly identity: OwnerIdentity;
  readonly definition: FlowDefinition;
}

/** Throws VERSION_MISMATCH with both versions, REFUSED for another application's. */
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

/**
 * For one that this app server has not started: the flow file says whether it is what it claims.
 * Throws REFUSED.
 */
export function checkFound(ready: DuplicatorReady, server: AppServerOptions): FoundDuplicator {
  const identity = identityFromWire(ready.identity);
  const file = flowFilePath(server.flowDirectory, server.application.name, ready.flow);
  if (!isAlive(identity) || ready.file !== file || livingOwner(file) !== identity.pid) {
    throw new MirrorflowError(
      'REFUSED',
      `process ${identity.pid} is not the owner of ${file}, and no duplicator of flow ${ready.flow}`,
      { flow: ready.flow, pid: identity.pid },
    );
  }
  return { identity, definition: definitionOfReady(ready, propertiesIn(file)) };
}
