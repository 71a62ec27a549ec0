/**
 * The record file `host.json`, by which one host server owns a runtime directory. It is claimed
 * before any other file in the directory is changed, so that a second host server ends without
 * having disturbed the first. `host-server.ts` claims it at its start. Creates that file.
 */
import { join } from 'node:path';
import { ServerRecord } from '../../protocol/host/server-record.js';
import { identityToWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';

/** Throws ALREADY_RUNNING with the pid when a living host server has the directory. */
export function claimHostRecord(directory: string, socket: string): ServerRecord {
  return new ServerRecord(
    join(directory, 'host.json'),
    // The port is that of XML-RPC over HTTP.
    (port) => ({ ...identityToWire(ownIdentity()), socket, port }),
    (pid) => {
      const owner = pid === 0 ? 'another host server' : `the host server with process id ${pid}`;
      const end = pid === 0 ? 'host.quit' : `kill ${pid}`;
      return `${owner} runs for ${directory} already; use it, end it with ${end}, or choose another directory`;
    },
  );
}
