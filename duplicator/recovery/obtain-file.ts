/**
 * Obtains the flow file of a starting duplicator: takes over the file that a dead predecessor left,
 * where that is sound or repairable and of the same flow, and creates a new one otherwise. Called
 * by LocalFlow, MirrorFlow and RemoteFlow at their start. Reads, maps and creates the flow file,
 * and may run the recovery program.
 */
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { createFlowFile, type FlowFileOptions } from '../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import type { Logger } from '../../protocol/base/log.js';
import { clearEntries, deadEntries } from './consumer-presence.js';
import { nextEpoch } from './epoch.js';
import { recover } from '../../protocol/host/recovery/recover.js';
import type { RecoveryReport } from '../../protocol/host/recovery/report.js';
import { inspectDeadFile } from './dead-file.js';
import { takeOver } from './take-over.js';

/**
 * The report on the file of a dead predecessor; undefined when there is no file, or its owner
 * lives.
 */
export type PredecessorState = RecoveryReport | 'no report' | undefined;

export interface ObtainedFile {
  readonly file: FlowFile;
  /** Lossless consumers of the dead owner that may reattach; 0 for a new file. */
  readonly expected: number;
  /** The file was a dead owner's and its sequences continue. */
  readonly takenOver: boolean;
  /** The file of the dead owner was damaged; this is a new one. */
  readonly replacedDamage: boolean;
}

/**
 * Checks the file that a dead owner left, with the recovery program unless the quick check finds it
 * sound. `no report`: the recovery program failed. Throws SYSTEM_ERROR when the path cannot be
 * examined.
 */
export async function readPredecessorState(path: string, log: Logger): Promise<PredecessorState> {
  if (inspectFlowFile(path).kind !== 'dead') return undefined;
  return inspectDeadFile(path) ?? (await recover(path, log)) ?? 'no report';
}

/** Throws what createFlowFile throws, and leaves no new file then. */
export function obtainFlowFile(
  options: Omit<FlowFileOptions, 'epoch'>,
  flowDirectory: string,
  predecessor: PredecessorState,
  log: Logger,
): ObtainedFile {
  const { path } = options;
  const damage = predecessor === undefined ? undefined : damageOf(predecessor);
  if (predecessor !== undefined && damage === undefined) {
    const file = takeOver(options);
    if (typeof file !== 'string') return takenOver(file, log);
    log.info('the file of a dead owner is replaced', { file: path, reason: file });
  } else if (damage !== undefined) {
    log.warn('the file of a dead owner is replaced', { file: path, reason: damage });
  }
  const replaced = typeof predecessor === 'object' ? predecessor.flow?.epoch : undefined;
  const file = createFlowFile({ ...options, epoch: nextEpoch(flowDirectory, replaced) });
  return { file, expected: 0, takenOver: false, replacedDamage: damage !== undefined };
}

function takenOver(file: FlowFile, log: Logger): ObtainedFile {
  const dead = deadEntries(file);
  const expected = consumersOfPredecessor(file, dead.length);
  clearEntries(file, dead);
  // In this order: should this process die here, its successor expects too many consumers rather
  // than too few.
  file.setCounter(COUNTERS.awaited.id, expected);
  file.setCounter(COUNTERS.lossless.id, 0);
  file.setCounter(COUNTERS.clients.id, 0);
  const { published } = file;
  log.info('the file of a dead owner was taken over', { file: file.path, published, expected });
  return { file, expected, takenOver: true, replacedDamage: false };
}

/**
 * The dead owner's lossless consumers: those that were connected to it and those that it expected
 * itself, less the `dead` entries of the presence table.
 */
export function consumersOfPredecessor(file: FlowFile, dead = deadEntries(file).length): number {
  return Math.max(0, file.counter(COUNTERS.lossless.id) + file.counter(COUNTERS.awaited.id) - dead);
}

/** Why the file cannot be taken over; undefined when it is sound or was repaired. */
function damageOf(predecessor: Exclude<PredecessorState, undefined>): string | undefined {
  if (predecessor === 'no report') return 'its recovery failed';
  const { verdict, findings } = predecessor;
  if (verdict === 'sound' || verdict === 'repaired') return undefined;
  return findings.find(({ state }) => state === 'unsound')?.text ?? `its verdict is ${verdict}`;
}
