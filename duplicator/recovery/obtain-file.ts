/**
 * How a duplicator gets its flow file: a new one, or the one its dead predecessor left where that
 * is sound, or can be repaired, and is the same flow.
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
 * What the predecessor left behind, after its recovery; undefined when there is nothing, or its
 * owner lives.
 */
export type PredecessorState = RecoveryReport | 'no report' | undefined;

export interface ObtainedFile {
  readonly file: FlowFile;
  /**
   * Lossless consumers that the dead owner had, and who come back to where they were; 0 for a new
   * file.
   */
  readonly expected: number;
  /** Whether it was a dead owner's, and its sequences go on. */
  readonly takenOver: boolean;
}

/**
 * What is to be said of a file that a dead owner left: that it is sound, or what the recovery
 * program says that is asked otherwise. Throws SYSTEM_ERROR when it cannot be found out whether
 * there is such a file.
 */
export async function readPredecessorState(path: string, log: Logger): Promise<PredecessorState> {
  if (inspectFlowFile(path).kind !== 'dead') return undefined;
  return inspectDeadFile(path) ?? (await recover(path, log)) ?? 'no report';
}

/** Throws what createFlowFile throws; nothing is left behind then. */
export function obtainFlowFile(
  options: Omit<FlowFileOptions, 'epoch'>,
  flowDirectory: string,
  inherited: PredecessorState,
  log: Logger,
): ObtainedFile {
  const { path } = options;
  const why = inherited === undefined ? undefined : unusable(inherited);
  if (inherited !== undefined && why === undefined) {
    const file = takeOver(options);
    if (typeof file !== 'string') {
      const dead = deadEntries(file);
      const expected = consumersOfPredecessor(file, dead.length);
      clearEntries(file, dead);
      // In this order: whoever follows this one, should it die here, waits for too many rather than
      // for too few.
      file.setCounter(COUNTERS.awaited.id, expected);
      file.setCounter(COUNTERS.lossless.id, 0);
      file.setCounter(COUNTERS.clients.id, 0);
      log.info('the file of a dead owner was taken over', {
        file: path,
        published: file.published,
        expected,
      });
      return { file, expected, takenOver: true };
    }
    log.info('the file of a dead owner is replaced', { file: path, reason: file });
  } else if (why !== undefined) {
    log.warn('the file of a dead owner is replaced', { file: path, reason: why });
  }
  const dead = typeof inherited === 'object' ? inherited.flow?.epoch : undefined;
  const file = createFlowFile({ ...options, epoch: nextEpoch(flowDirectory, dead) });
  return { file, expected: 0, takenOver: false };
}

/**
 * Lossless consumers that were connected when the owner died, and those that were awaited then
 * since the one before had had them; without those that are known to have died too.
 */
export function consumersOfPredecessor(file: FlowFile, dead = deadEntries(file).length): number {
  return Math.max(0, file.counter(COUNTERS.lossless.id) + file.counter(COUNTERS.awaited.id) - dead);
}

function unusable(inherited: Exclude<PredecessorState, undefined>): string | undefined {
  if (inherited === 'no report') return 'its recovery failed';
  const { verdict, findings } = inherited;
  if (verdict === 'sound' || verdict === 'repaired') return undefined;
  return findings.find(({ state }) => state === 'unsound')?.text ?? `it is ${verdict}`;
}
