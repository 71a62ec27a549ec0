/**
 * The checks of a mapped flow file whose header is known to be sound, and the repairs that belong
 * to them.
 *
 * Every repair is one store, or writes in an order that leaves the file as repairable as it was
 * when it is cut off in the middle. They are run only when nothing was found that cannot be
 * repaired.
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

/** A mirror receives one update while it judges the one before. */
const MIRROR_OPEN_SLOTS = 2;
/**
 * A provider that has not noticed the death of its duplicator goes on until its credit is used up.
 */
const LOOKS_AT_MOVING_RING = 100;
const BETWEEN_LOOKS_MS = 1;
/** What a word that counts can hold; larger numbers are no longer exact. */
const COUNT_MAX = Number.MAX_SAFE_INTEGER;

export interface Check {
  readonly check: string;
  readonly state: Exclude<FindingState, 'repaired'>;
  readonly text: string;
  /** With `repairable`; says what was done. */
  readonly repair?: () => string;
  /** With `repairable`: what the published word is afterwards, when that is more than now. */
  readonly publishes?: number;
}

export function checkFile(file: FlowFile): Check[] {
  const { epoch, published, geometry } = file;
  if (epoch <= 0 || epoch > COUNT_MAX || published > COUNT_MAX - geometry.slotCount)
    return [unsound('header', `epoch ${epoch} or published ${published} is no count`)];
  const checks = [...checkSequences(file), checkState(file)];
  return file.flags & (FLOW_FLAGS.mirror | FLOW_FLAGS.remote) ? checks : [...checks, checkCredit(file)];
}

function checkSequences(file: FlowFile): Check[] {
  const chain = steadyChain(file);
  if (chain === undefined) {
    return isAlive(file.owner)
      ? [sound('sequences', 'they move faster than they can be looked at (its owner is at work)')]
      : [unsound('sequences', 'they do not come to rest: somebody writes to a file without an owner')];
  }
  const { complete, open, readable, problem, published } = chain;
  if (problem !== undefined) return [unsound('sequences', problem)];
  const said = `${readable} of ${published} published buffers are there${open === 0 ? '' : `, ${open} slots were being written`}`;
  if (complete === 0) return [sound('sequences', said)];
  return [
    {
      check: 'sequences',
      state: 'repairable',
      text: `${said}; ${complete} whole buffers stand behind the published word ${published}`,
      publishes: published + complete,
      repair: () => {
        // The provider may live and publish them itself meanwhile; the word never goes back.
        if (file.published < published + complete) file.published = published + complete;
        return `${said}; ${complete} whole buffers behind them are published now`;
      },
    },
  ];
}

/** The chain as it was while `published` stood still; undefined when it never did. */
function steadyChain(file: FlowFile): (Chain & { readonly published: number }) | undefined {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let look = 0; look < LOOKS_AT_MOVING_RING; look += 1) {
    const before = generationOf(file);
    const chain = judgeChain(file, before.published, openMax(file, before.published));
    // What does not fit may be a slot that changed between two looks.
    const again =
      chain.problem === undefined
        ? chain
        : judgeChain(file, before.published, openMax(file, before.published));
    const after = generationOf(file);
    const still = before.published === after.published && before.granted === after.granted;
    if (still && again.problem === chain.problem) return { ...again, published: before.published };
    Atomics.wait(never, 0, 0, BETWEEN_LOOKS_MS);
  }
  return undefined;
}

function generationOf({ published, granted }: FlowFile): { published: number; granted: number } {
  return { published, granted };
}

function openMax(file: FlowFile, published: number): number {
  // Buffers of another host are published by the batch.
  if (file.flags & FLOW_FLAGS.remote) return file.geometry.slotCount;
  if (file.flags & FLOW_FLAGS.mirror) return MIRROR_OPEN_SLOTS;
  return Math.max(0, Math.min(file.geometry.slotCount, file.granted - published));
}

function checkCredit(file: FlowFile): Check {
  const { granted, published, geometry } = file;
  if (granted >= published && granted <= published + geometry.slotCount)
    return sound('credit', `the provider may write ${granted - published} buffers more`);
  return unsound(
    'credit',
    `granted is ${granted}, with ${published} published in ${geometry.slotCount} slots`,
  );
}

function checkState(file: FlowFile): Check {
  const code = file.sourceStateCode;
  const state: SourceState | undefined = sourceStateOf(code);
  if (state !== undefined) return sound('state', `the source was ${state}`);
  return {
    check: 'state',
    state: 'repairable',
    text: `${code} is no state of a source`,
    repair: () => {
      file.sourceStateCode = SOURCE_STATES.stale;
      return 'it was none, and is stale now';
    },
  };
}

function sound(check: string, text: string): Check {
  return { check, state: 'sound', text };
}

export function unsound(check: string, text: string): Check {
  return { check, state: 'unsound', text };
}
