/**
 * The record file `apps/<app>.json` of the runtime directory, by which one living process owns the
 * name of an application on this host. It holds the owner's process identity, socket, port and
 * start options; the host server and clients find the app server by it. `app-server.ts` claims it
 * at its start. Creates that file.
 */
import { join } from 'node:path';
import { ServerRecord } from '../protocol/host/server-record.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import type { ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { checkName } from '../protocol/base/names.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';

/** Claims the name. Throws ALREADY_RUNNING with the pid while a living app server has it. */
export function claimApplicationRecord(
  directory: string,
  options: ApplicationOptions,
  socket: string,
): ServerRecord {
  const name = checkName('application', options.name);
  return new ServerRecord(
    join(directory, 'apps', `${name}.json`),
    (port) => ({ name, ...identityToWire(ownIdentity()), socket, port, options }),
    (pid) =>
      `application ${name} is served by process ${pid} already; stop that one, or choose another name or directory`,
  );
}
