/**
 * Shared memory of gateways that were killed: found by their records, and removed when neither
 * maker nor successor lives.
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
 * Removes what dead gateways of other applications left. One's own application's is left alone: it
 * is taken over. Under the lock with which records are claimed, so that a gateway that is just
 * starting is never robbed.
 */
export function removeLeftovers(flowDirectory: string, ownApplication: string, log: Logger): void {
  for (const entry of readdirSync(flowDirectory, { withFileTypes: true })) {
    if (!entry.isDirectory() || !isName(entry.name) || entry.name === ownApplication) continue;
    const path = gatewayRecordPath(flowDirectory, entry.name);
    if (inspectGatewayRecord(path).kind !== 'dead') continue;
    try {
      withLock(join(dirname(path), '.claims'), () => removeDead(path, log));
    } catch (error) {
      log.warn('a dead gateway could not be tidied up', { path, error: describeError(error) });
    }
  }
}

function removeDead(path: string, log: Logger): void {
  if (inspectGatewayRecord(path).kind !== 'dead') return;
  const segment = readGatewayRecord(path)?.segment;
  if (segment !== undefined && isLeftover(segment)) {
    removeSegment(segment.key, segment.creator.pid);
    log.info('shared memory of a dead gateway removed', { key: segment.key });
  }
  rmSync(path, { force: true });
}
