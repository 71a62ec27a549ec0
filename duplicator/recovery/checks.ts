/**
 * The checks of a flow file's ring and header fields, and their repairs. Called by examine.ts for
 * the file of a dead owner whose layout is valid already. A check reads the file; a repair, run
 * later and only when every damage can be repaired, writes to it.
 *
 * A repair that is cut off in the middle leaves the file as repairable as it was: it is one store,
 * or stores in an order that ensures it.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import {
  FLOW_FLAGS,
  SOURCE_STATES,
  sourceStateOf,
  type SourceState,
} from '../../protocol/flow/flow-file/layout.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { judgeChain, type Chain } from './chain.js';
import type { FindingState } from '../../protocol/host/recovery/report.js';

/** A mirror receives one update while it verifies the one before. */
const MIRROR_OPEN_SLOTS = 2;
/**
 * Times that a changing ring is read again: a provider that has not noticed the death of its
 * duplicator writes until its credit is used up.
 */
const ATTEMPTS_MAX = 100;
const ATTEMPT_INTERVAL_MS = 1;
/** Largest valid count: larger numbers are not exact. */
const COUNT_MAX = Number.MAX_SAFE_INTEGER;

export interface Check {
  /** What was checked: `header`, `owner`, `sequences`, `credit`, `state` or `image`. */
  readonly check: string;
  readonly state: Exclude<FindingState, 'repaired'>;
  readonly text: string;
  /** With `repairable`: repairs the file and returns a description of what was done. */
  readonly repair?: () => string;
  /** With `repairable`: the file's `published` after the repair, where the repair raises it. */
  readonly publishes?: number;
}

/** The checks of everything but the image; the header's alone when its counts are invalid. */
export function checkFile(file: FlowFile): Check[] {
  const { epoch, published, geometry } = file;
  if (epoch <= 0 || epoch > COUNT_MAX || published > COUNT_MAX - geometry.slotCount)
    return [unsound('header', `epoch ${epoch} or published ${published} is not a valid count`)];
  const checks = [...checkSequences(file), checkState(file)];
  return file.flags & (FLOW_FLAGS.mirror | FLOW_FLAGS.remote) ? checks : [...checks, checkCredit(file)];
}

function checkSequences(file: FlowFile): Check[] {
  const chain = steadyChain(file);
  if (chain === undefined) {
    return isAlive(file.owner)
      ? [sound('sequences', 'they change faster than they can be read (the owner is running)')]
      : [unsound('sequences', 'they keep changing: a process writes to the file though its owner is dead')];
  }
  const { complete, open, readable, problem, published } = chain;
  if (problem !== undefined) return [unsound('sequences', problem)];
  const writing = open === 0 ? '' : `, ${open} slots were being written`;
  const counts = `${readable} of ${published} published buffers can be read${writing}`;
  if (complete === 0) return [sound('sequences', counts)];
  return [
    {
      check: 'sequences',
      state: 'repairable',
      text: `${counts}; ${complete} whole buffers are not published yet`,
      publishes: published + complete,
      repair: () => {
        return file.raisePublished(published, published + complete)
          ? `${counts}; ${complete} more whole buffers were published`
          : `${counts}; the running provider published more itself`;
      },
    },
  ];
}

/** The chain while the counts did not change; undefined when they always did. */
function steadyChain(file: FlowFile): (Chain & { readonly published: number }) | undefined {
  const timer = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const before = countsOf(file);
    const chain = judgeChain(file, before.published, openMax(file, before.published));
    // Apparent damage may be a slot that changed between two loads.
    const second =
      chain.problem === undefined
        ? chain
        : judgeChain(file, before.published, openMax(file, before.published));
    const after = countsOf(file);
    if (isSame(before, after) && second.problem === chain.problem)
      return { ...second, published: before.published };
    Atomics.wait(timer, 0, 0, ATTEMPT_INTERVAL_MS);
  }
  return undefined;
}

interface Counts {
  readonly published: number;
  readonly granted: number;
  readonly claimed: number;
}

function countsOf({ published, granted, claimed }: FlowFile): Counts {
  return { published, granted, claimed };
}

function isSame(a: Counts, b: Counts): boolean {
  return a.published === b.published && a.granted === b.granted && a.claimed === b.claimed;
}

/** Slots that the writer can have open or unpublished at the same time. */
function openMax(file: FlowFile, published: number): number {
  // Buffers of another host are published in batches.
  if (file.flags & FLOW_FLAGS.remote) return file.geometry.slotCount;
  if (file.flags & FLOW_FLAGS.mirror) return MIRROR_OPEN_SLOTS;
  return Math.max(0, Math.min(file.geometry.slotCount, file.claimed - published));
}

function checkCredit(file: FlowFile): Check {
  const { slotCount } = file.geometry;
  // A running provider claims and publishes meanwhile: what was published first is claimed by then,
  // and what is claimed by then is at most a ring beyond what is published last.
  const { published: first } = file;
  const { granted, claimed, published } = file;
  // A duplicator that was killed while it lowered the credit leaves less than what the provider had
  // claimed under the credit before, and publishes; never less than a ring.
  const lowered = Math.max(first - slotCount, Math.min(first, slotCount));
  const least = { granted: first <= claimed ? lowered : first, claimed: 0 };
  for (const [name, count] of [
    ['granted', granted],
    ['claimed', claimed],
  ] as const) {
    if (count >= least[name] && count <= published + slotCount) continue;
    return unsound(
      'credit',
      `${name} is ${count}, published ${published}; it must be ${least[name]} to ${published + slotCount}`,
    );
  }
  return sound('credit', `the provider may write ${Math.max(0, granted - published)} more buffers`);
}

function checkState(file: FlowFile): Check {
  const code = file.sourceStateCode;
  const state: SourceState | undefined = sourceStateOf(code);
  if (state !== undefined) return sound('state', `the source was ${state}`);
  return {
    check: 'state',
    state: 'repairable',
    text: `${code} is not a state of a source`,
    repair: () => {
      file.sourceStateCode = SOURCE_STATES.stale;
      return `${code} was replaced by stale`;
    },
  };
}

function sound(check: string, text: string): Check {
  return { check, state: 'sound', text };
}

export function unsound(check: string, text: string): Check {
  return { check, state: 'unsound', text };
}
