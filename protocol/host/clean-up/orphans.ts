/**
 * The children that a dead app server has left: duplicators (owners of flow files), the gateway
 * and the recorder continue without it, for the next app server to adopt. When the application is
 * stopped there is no next one, so a host server ends them here; app servers use the parts for
 * their own flows. Sends signals to the owners of the application's files; removes files of dead
 * owners.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { isName } from '../../base/names.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';
import {
  appFlowDirectory,
  gatewayRecordPath,
  linkSocketPath,
  providerSocketPath,
  recorderRecordPath,
} from '../../base/paths.js';
import { readFlowHeader } from '../../flow/flow-file/open.js';
import { readGatewayRecord } from '../gateway-record.js';
import { readRecorderRecord } from '../recorder-record.js';
import { stopForeign } from '../process-kit/foreign-process.js';
import { sweepApplication } from './flow-directory.js';
import { Sweep, type Leftover } from './sweep.js';

const FLOW_SUFFIX = '.flow';

/**
 * Stops the living duplicators, gateway and recorder of an application whose app server is dead;
 * resolves with their process ids when they have ended. Files of other users are skipped.
 */
export async function stopOrphans(flowDirectory: string, app: string, clock: Clock): Promise<number[]> {
  const sweep = new Sweep(false);
  const directory = appFlowDirectory(flowDirectory, app);
  const flowFiles = sweep
    .namesIn(directory)
    .filter((name) => name.endsWith(FLOW_SUFFIX) && isName(name.slice(0, -FLOW_SUFFIX.length)))
    .map((name) => join(directory, name))
    .filter((path) => sweep.own(path)?.isFile() === true);
  const ownerIn = (record: string, read: (path: string) => { owner: OwnerIdentity } | undefined) =>
    sweep.own(record)?.isFile() === true ? read(record)?.owner : undefined;
  const gateway = ownerIn(gatewayRecordPath(flowDirectory, app), readGatewayRecord);
  const recorder = ownerIn(recorderRecordPath(flowDirectory, app), readRecorderRecord);
  const orphans = [...flowFiles.map(ownerOf), gateway, recorder]
    .filter((owner) => owner !== undefined)
    .filter((owner) => isAlive(owner));
  await Promise.all(orphans.map((owner) => stopForeign(owner, clock)));
  return orphans.map(({ pid }) => pid);
}

/** Stops the process that owns the flow file at `path` now; resolves when it has ended. */
export async function stopOwner(path: string, clock: Clock): Promise<void> {
  const owner = ownerOf(path);
  if (owner !== undefined) await stopForeign(owner, clock);
}

/**
 * Removes flow files, images and link sockets of the application's dead duplicators, the gateway's
 * record and memory, and the recorder's record. `keepsFlow`: flows that are in use.
 */
export function removeDeadFlows(
  { directory, flowDirectory }: { readonly directory: string; readonly flowDirectory: string },
  app: string,
  keepsFlow: (flow: string) => boolean,
): readonly Leftover[] {
  const sweep = new Sweep(false);
  sweepApplication(sweep, flowDirectory, app, keepsFlow);
  for (const { path } of sweep.leftovers) {
    // A link socket names no owner: it is removed together with its flow file.
    if (!path.endsWith(FLOW_SUFFIX)) continue;
    const flow = basename(path, FLOW_SUFFIX);
    for (const socket of [linkSocketPath, providerSocketPath])
      rmSync(socket(directory, app, flow), { force: true });
  }
  return sweep.leftovers;
}

/** Undefined when the file is removed already, or is no flow file. */
function ownerOf(path: string): OwnerIdentity | undefined {
  try {
    return readFlowHeader(path).owner;
  } catch {
    return undefined;
  }
}
