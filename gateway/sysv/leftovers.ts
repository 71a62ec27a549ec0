/**
 * Removes the System V shared memory of gateways that were killed.
 *
 * `gateway.ts` calls it at its start. A gateway's record, a file beside the flow files, names its
 * shared memory; the memory is removed when neither its creator nor a successor runs.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../../protocol/base/files/claim-lock.js';
import { gatewayRecordPath } from '../../protocol/base/paths.js';
import { describeError } from '../../protocol/base/errors.js';
import { inspectGatewayRecord, readGatewayRecord } from '../../protocol/host/gateway-record.js';
import type { Logger } from '../../protocol/base/log.js';
import { isName } from '../../protocol/base/names.js';
import { isLeftover, removeSegment } from '../../protocol/spectcl/sysv/segment.js';

/**
 * Removes leftovers of dead gateways of other applications; those of `ownApplication` are taken
 * over by the caller. Holds the lock with which records are claimed, so that a gateway that is just
 * starting keeps its memory.
 */
export function removeLeftovers(flowDirectory: string, ownApplication: string, log: Logger): void {
  for (const entry of readdirSync(flowDirectory, { withFileTypes: true })) {
    if (!entry.isDirectory() || !isName(entry.name) || entry.name === ownApplication) continue;
    const path = gatewayRecordPath(flowDirectory, entry.name);
    if (inspectGatewayRecord(path).kind !== 'dead') continue;
    try {
      withLock(join(dirname(path), '.claims'), () => removeDeadGateway(path, log));
    } catch (error) {
      log.warn('leftovers of a dead gateway could not be removed', { path, error: describeError(error) });
    }
  }
}

function removeDeadGateway(path: string, log: Logger): void {
  if (inspectGatewayRecord(path).kind !== 'dead') return;
  const segment = readGatewayRecord(path)?.segment;
  if (segment !== undefined && isLeftover(segment)) {
    removeSegment(segment.key, segment.creator.pid);
    log.info('shared memory of a dead gateway removed', { key: segment.key });
  }
  rmSync(path, { force: true });
}
