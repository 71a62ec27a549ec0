/**
 * The part of the clean-up for the flow directory: flow files, images, temporary files, shared
 * memory of gateways, records of recorders and empty directories whose owner is dead. The clean-up
 * calls it, and an app server for its own application. Removes through `Sweep`.
 */
import { rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withLock } from '../../base/files/claim-lock.js';
import { LOCK_NAME } from '../../base/files/claim.js';
import { appFlowDirectory, gatewayRecordPath, recorderRecordPath } from '../../base/paths.js';
import { flowFileOwner } from './flow-file-owner.js';
import { inspectGatewayRecord, readGatewayRecord } from '../gateway-record.js';
import { inspectRecorderRecord } from '../recorder-record.js';
import { isName } from '../../base/names.js';
import { isAlive } from '../../base/owner-identity.js';
import { isLeftover, removeSegment } from '../../spectcl/sysv/segment.js';
import { ownerOfTemporary } from '../../base/files/temporary-name.js';
import { removeAside, type Sweep } from './sweep.js';

const FLOW_SUFFIX = '.flow';
const IMAGE_SUFFIX = '.image';

/** `keeps`: applications whose app server takes the flow files over, or removes them itself. */
export function sweepFlowDirectory(
  sweep: Sweep,
  flowDirectory: string,
  keeps: (app: string) => boolean,
): void {
  sweepTemporaries(sweep, flowDirectory);
  for (const app of sweep.namesIn(flowDirectory).filter(isName)) {
    const directory = appFlowDirectory(flowDirectory, app);
    if (sweep.own(directory)?.isDirectory() !== true) continue;
    sweepTemporaries(sweep, directory);
    if (keeps(app)) continue;
    sweepApplication(sweep, flowDirectory, app, () => false);
    sweepEmpty(sweep, directory);
  }
}

/** `keepsFlow`: flows that are in use. */
export function sweepApplication(
  sweep: Sweep,
  flowDirectory: string,
  app: string,
  keepsFlow: (flow: string) => boolean,
): void {
  const directory = appFlowDirectory(flowDirectory, app);
  // Images first: an image without its flow file has no owner, so an interrupted clean-up leaves
  // nothing that the next one does not find.
  for (const suffix of [IMAGE_SUFFIX, FLOW_SUFFIX]) {
    for (const name of sweep.namesIn(directory)) {
      const flow = name.slice(0, -suffix.length);
      if (!name.endsWith(suffix) || !isName(flow) || keepsFlow(flow)) continue;
      const path = join(directory, name);
      if (sweep.own(path)?.isFile() !== true) continue;
      if (suffix === IMAGE_SUFFIX) sweepImage(sweep, path, join(directory, `${flow}${FLOW_SUFFIX}`));
      else sweepFlowFile(sweep, directory, path);
    }
  }
  sweepGateway(sweep, gatewayRecordPath(flowDirectory, app));
  sweepRecorder(sweep, recorderRecordPath(flowDirectory, app));
}

export function sweepTemporaries(sweep: Sweep, directory: string): void {
  for (const name of sweep.namesIn(directory)) {
    const owner = ownerOfTemporary(name);
    const path = join(directory, name);
    if (owner === undefined || isAlive(owner) || sweep.own(path)?.isFile() !== true) continue;
    sweep.remove('temporary file', path, `process ${owner.pid} is dead`);
  }
}

function sweepFlowFile(sweep: Sweep, directory: string, path: string): void {
  if (flowFileOwner(path) !== 'dead') return;
  sweep.remove('flow file', path, 'its owner is dead', () =>
    withLock(join(directory, LOCK_NAME), () => {
      if (flowFileOwner(path) !== 'dead') return false;
      unlinkSync(path);
      return true;
    }),
  );
}

function sweepImage(sweep: Sweep, path: string, flowFile: string): void {
  const taken = (): boolean => flowFileOwner(flowFile) === 'owned';
  if (!taken())
    sweep.remove('image', path, 'its flow file has no living owner', () => removeAside(path, taken));
}

/** Checks again under the claim lock: a recorder may start at this moment. */
function sweepRecorder(sweep: Sweep, path: string): void {
  const isDead = (): boolean => inspectRecorderRecord(path).kind === 'dead';
  if (sweep.own(path)?.isFile() !== true || !isDead()) return;
  sweep.remove('record', path, 'its owner is dead', () =>
    withLock(join(dirname(path), LOCK_NAME), () => {
      if (!isDead()) return false;
      unlinkSync(path);
      return true;
    }),
  );
}

/**
 * Checks again under the claim lock: a gateway that starts at this moment takes over the memory of
 * the dead one.
 */
function sweepGateway(sweep: Sweep, path: string): void {
  const isDead = (): boolean => inspectGatewayRecord(path).kind === 'dead';
  if (sweep.own(path)?.isFile() !== true || !isDead()) return;
  const ifStillDead = (action: () => void) => (): boolean =>
    withLock(join(dirname(path), LOCK_NAME), () => {
      if (!isDead()) return false;
      action();
      return true;
    });
  const segment = readGatewayRecord(path)?.segment;
  if (segment !== undefined && isLeftover(segment)) {
    const reason = `process ${segment.creator.pid} is dead`;
    const remove = ifStillDead(() => removeSegment(segment.key, segment.creator.pid));
    sweep.remove('shared memory', `key ${segment.key}`, reason, remove);
  }
  sweep.remove(
    'record',
    path,
    'its owner is dead',
    ifStillDead(() => unlinkSync(path)),
  );
}

/**
 * Removes the directory together with its lock, while holding it: a process that waits for the lock
 * then finds no directory, and creates it again.
 */
function sweepEmpty(sweep: Sweep, directory: string): void {
  const others = sweep.namesIn(directory).filter((name) => name !== LOCK_NAME);
  const removed = sweep.dryRun ? new Set(sweep.leftovers.map(({ path }) => path)) : new Set<string>();
  if (others.some((name) => !removed.has(join(directory, name)))) return;
  sweep.remove('directory', directory, `it is empty, and no app server of ${basename(directory)} lives`, () =>
    withLock(join(directory, LOCK_NAME), () => {
      if (sweep.namesIn(directory).some((name) => name !== LOCK_NAME)) return false;
      unlinkSync(join(directory, LOCK_NAME));
      rmdirSync(directory);
      return true;
    }),
  );
}
