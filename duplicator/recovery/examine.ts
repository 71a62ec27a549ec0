/**
 * Examines a flow file as a whole and repairs one whose owner is dead: findings of all checks, then
 * a verdict. Used by the recovery program (main.ts) and, on a copy in memory, by dead-file.ts. Maps
 * the file, for writing only to repair it; a damaged file may end the process with SIGBUS.
 */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../../protocol/base/files/claim-lock.js';
import { LOCK_NAME } from '../../protocol/base/files/claim.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { checkFile, type Check } from './checks.js';
import { checkImage } from './image-check.js';
import type { Finding, RecoveryReport, Verdict } from '../../protocol/host/recovery/report.js';

/** Examines the file and changes nothing. Throws NOT_PERMITTED and SYSTEM_ERROR. */
export function verify(path: string): RecoveryReport {
  const opened = openForCheck(path, 'read');
  return 'verdict' in opened ? opened : judge(opened);
}

/** The report on an opened file, or on a copy of one. */
export function judge(file: FlowFile): RecoveryReport {
  const checks = isAlive(file.owner) ? allChecks(file).map(ofLivingOwner) : allChecks(file);
  const worst = checks.some(({ state }) => state === 'unsound')
    ? 'replace'
    : checks.some(({ state }) => state === 'repairable')
      ? 'repairable'
      : 'sound';
  return report(file, worst, checks);
}

/**
 * Repairs what can be repaired, under the lock that a take-over needs: no duplicator takes the file
 * over meanwhile, and a file that was taken over is not touched. Throws NOT_PERMITTED and
 * SYSTEM_ERROR.
 */
export function repair(path: string): RecoveryReport {
  const verified = verify(path);
  if (verified.owner?.alive === true) return { ...verified, verdict: 'owned' };
  if (verified.verdict !== 'repairable') return verified;
  return withLock(join(dirname(path), LOCK_NAME), () => {
    const opened = openForCheck(path, 'read-write');
    if ('verdict' in opened) return opened;
    if (isAlive(opened.owner)) return report(opened, 'owned', []);
    const checks = allChecks(opened);
    if (checks.some(({ state }) => state === 'unsound')) return report(opened, 'replace', checks);
    const findings = checks.map(({ check, state, text, repair: run }): Finding => {
      return run === undefined ? { check, state, text } : { check, state: 'repaired', text: run() };
    });
    return report(opened, 'repaired', findings);
  });
}

/** What needs a repair in a dead owner's file is work in progress in a living owner's. */
function ofLivingOwner({ check, state, text }: Check): Check {
  return state === 'repairable'
    ? { check, state: 'sound', text: `${text} (the owner is running)` }
    : { check, state, text };
}

function allChecks(file: FlowFile): Check[] {
  const ownerChecks: Check[] = [];
  const { bootId } = file.owner;
  if (bootId !== undefined && bootId !== ownIdentity().bootId) {
    const text = 'the file is from before the last boot: parts of it may not have reached the disk';
    ownerChecks.push({ check: 'owner', state: 'unsound', text });
  }
  const checks = checkFile(file);
  const mirror = (file.flags & FLOW_FLAGS.mirror) !== 0;
  // An image is repaired from the ring, which must be sound and have what its repair publishes.
  const ringSound = checks.every(({ state }) => state !== 'unsound');
  const published = Math.max(file.published, ...checks.map(({ publishes = 0 }) => publishes));
  return [...ownerChecks, ...checks, ...(mirror && ringSound ? [checkImage(file, published)] : [])];
}

function openForCheck(path: string, access: 'read' | 'read-write'): FlowFile | RecoveryReport {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    const finding = {
      check: 'header',
      state: 'unsound',
      text: 'the path is a symbolic link; an owner makes a regular file',
    } as const;
    return { file: path, verdict: 'replace', findings: [finding] };
  }
  try {
    return openFlowFile(path, access);
  } catch (error) {
    if (isMirrorflowError(error, 'UNKNOWN_FLOW')) return { file: path, verdict: 'missing', findings: [] };
    if (!isMirrorflowError(error, 'FILE_CORRUPT') && !isMirrorflowError(error, 'VERSION_MISMATCH'))
      throw error;
    const finding = { check: 'header', state: 'unsound', text: error.message } as const;
    return { file: path, verdict: 'replace', findings: [finding] };
  }
}

function report(file: FlowFile, verdict: Verdict, findings: readonly (Finding | Check)[]): RecoveryReport {
  const { identity, geometry, owner } = file;
  return {
    file: file.path,
    verdict,
    owner: { pid: owner.pid, alive: isAlive(owner) },
    flow: {
      application: identity.application,
      flow: identity.flow,
      type: identity.type,
      epoch: file.epoch,
      published: file.published,
      buffers: geometry.slotCount,
      bufferSize: geometry.payloadCapacity,
      mirror: (file.flags & FLOW_FLAGS.mirror) !== 0,
    },
    findings: findings.map(({ check, state, text }) => ({ check, state, text })),
  };
}
