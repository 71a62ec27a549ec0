/**
 * Looking at a flow file as a whole, and repairing one whose owner is dead: findings, then a
 * verdict.
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

/** Looks and changes nothing. Throws NOT_PERMITTED and SYSTEM_ERROR when it cannot look. */
export function verify(path: string): RecoveryReport {
  const opened = openForCheck(path, 'read');
  return 'verdict' in opened ? opened : judge(opened);
}

/** What a file is worth that was opened, or a copy of one. */
export function judge(opened: FlowFile): RecoveryReport {
  const checks = isAlive(opened.owner) ? allChecks(opened).map(atWork) : allChecks(opened);
  const worst = checks.some(({ state }) => state === 'unsound')
    ? 'replace'
    : checks.some(({ state }) => state === 'repairable')
      ? 'repairable'
      : 'sound';
  return report(opened, worst, checks);
}

/**
 * Repairs what can be repaired, under the lock under which files of dead owners change hands:
 * nobody takes the file over meanwhile, and one that was taken over is left alone.
 */
export function repair(path: string): RecoveryReport {
  const found = verify(path);
  if (found.owner?.alive === true) return { ...found, verdict: 'owned' };
  if (found.verdict !== 'repairable') return found;
  return withLock(join(dirname(path), LOCK_NAME), () => {
    const opened = openForCheck(path, 'read-write');
    if ('verdict' in opened) return opened;
    if (isAlive(opened.owner)) return report(opened, 'owned', []);
    const checks = allChecks(opened);
    if (checks.some(({ state }) => state === 'unsound')) return report(opened, 'replace', checks);
    const findings = checks.map(({ check, state, text, repair: mend }): Finding => {
      return mend === undefined ? { check, state, text } : { check, state: 'repaired', text: mend() };
    });
    return report(opened, 'repaired', findings);
  });
}

/** What a repair would be for in a dead owner's file is everyday work in a living one's. */
function atWork({ check, state, text }: Check): Check {
  return state === 'repairable'
    ? { check, state: 'sound', text: `${text} (its owner is at work)` }
    : { check, state, text };
}

function allChecks(file: FlowFile): Check[] {
  const before: Check[] = [];
  const { bootId } = file.owner;
  if (bootId !== undefined && bootId !== ownIdentity().bootId) {
    const text =
      'it is from before the last start of this machine, and may have reached the disk in parts only';
    before.push({ check: 'owner', state: 'unsound', text });
  }
  const checks = checkFile(file);
  const mirror = (file.flags & FLOW_FLAGS.mirror) !== 0;
  // An image is made whole from the ring, so that has to be right first, and have what the other
  // repairs bring.
  const ringSound = checks.every(({ state }) => state !== 'unsound');
  const published = Math.max(file.published, ...checks.map(({ publishes = 0 }) => publishes));
  return [...before, ...checks, ...(mirror && ringSound ? [checkImage(file, published)] : [])];
}

function openForCheck(path: string, access: 'read' | 'read-write'): FlowFile | RecoveryReport {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    const finding = {
      check: 'header',
      state: 'unsound',
      text: 'it is a symbolic link, which no owner made',
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
