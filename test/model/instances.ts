/**
 * The instances of the model of a flow (flow.pml, read docs/model.md): values of its macros, what
 * each is for, and whether spin is to find a counterexample. Used by flow.test.ts and main.ts.
 * Pure.
 */

/** Text of the violation that spin reports, by what it means. */
export const VIOLATIONS = {
  /** A lossless consumer meets a slot that does not hold what it needs. */
  lost: 'assertion violated  !((me<',
  /** A reader takes a payload that belongs to another sequence. */
  torn: 'assertion violated (value==(next+1))',
  /** A sequence that was published is written again. */
  rewritten: 'assertion violated (next>=everPublished)',
  /** A process waits for ever. */
  stuck: 'invalid end state',
  /** A successor takes the credit of a dead duplicator's file for damage. */
  damaged: 'assertion violated (((file[',
  /** The duplicator refuses an acknowledgement, and closes the consumer's link. */
  refused: 'assertion violated ((ackCount[c]<=',
} as const;

export interface Instance {
  /** Short, unique, lower case with hyphens. */
  readonly name: string;
  /** What it shows, as a sentence about the product. */
  readonly shows: string;
  readonly macros: Readonly<Record<string, number>>;
  /** The counterexample that must be found; undefined where the properties must hold. */
  readonly violation?: keyof typeof VIOLATIONS;
  /** Takes minutes: searched by `npm run model` and `npm run long`, not by `npm test`. */
  readonly isLong?: boolean;
  /** Searches for non-progress cycles under weak fairness, in place of invalid end states. */
  readonly cycles?: boolean;
}

/** Bits of KILL and START, values of PROTOCOL and NO_FENCE: as in flow.pml. */
const MONOTONE = 1;
const RESTORES = 2;
const PROVIDER = 1;
const DUPLICATOR = 2;
const CONSUMER_0 = 4;
const CONSUMER_1 = 8;
const AT_OLDEST = 1;
const AT_NEXT = 2;
const X86 = 1;
const ARM = 2;
const FENCE = {
  clear: 1,
  published: 2,
  heard: 3,
  granted: 4,
  reader: 5,
  releaseSequence: 6,
  releasePublished: 7,
  claim: 8,
};

const ONE = { RING: 2, BUFFERS: 3, LOSSLESS: 1 };
const TWO = { RING: 2, BUFFERS: 3, LOSSLESS: 2, SYMMETRIC: 1, COARSE_READ: 1 };
const LOSSY = { RING: 2, BUFFERS: 3, LOSSLESS: 0, LOSSY: 1 };
/** A large ring in small: several slots of credit, and signals that need no answer. */
const QUIET = { RING: 3, BUFFERS: 4, LOSSLESS: 1, QUARTER: 3, UNANSWERED: 1 };

/** Other ways to agree with a consumer that joins at an older buffer. */
const ALTERNATIVES: readonly Instance[] = [
  {
    name: 'restores',
    shows: 'a provider that restores a cleared slot makes a lossless consumer lose a buffer',
    macros: { ...ONE, PROTOCOL: RESTORES },
    violation: 'lost',
  },
  {
    name: 'waits-at-zero',
    shows: 'nothing is lost where a lossless reader waits at a cleared slot and no process is killed',
    macros: { ...ONE, PROTOCOL: RESTORES, ZERO_WAITS: 1 },
  },
  {
    name: 'waits-at-zero-kill',
    shows: 'a lossless reader that waits at a cleared slot waits for ever when the provider is killed there',
    macros: { ...ONE, PROTOCOL: RESTORES, ZERO_WAITS: 1, KILL: PROVIDER },
    violation: 'stuck',
  },
  {
    name: 'monotone',
    shows: 'credit that never goes back loses nothing either when a process is killed',
    macros: { ...ONE, BUFFERS: 4, PROTOCOL: MONOTONE, KILL: PROVIDER | DUPLICATOR | CONSUMER_0 },
  },
];

/** The protocol as it is: a provider claims slots before it clears them. */
const PROPERTIES: readonly Instance[] = [
  {
    name: 'one',
    shows: 'one lossless consumer gets every buffer, whichever process is killed',
    macros: { ...ONE, BUFFERS: 4, UNANSWERED: 1, KILL: PROVIDER | DUPLICATOR | CONSUMER_0 },
  },
  {
    name: 'two',
    shows: 'two lossless consumers get every buffer, whole',
    macros: { ...TWO, COARSE_READ: 0 },
  },
  {
    name: 'two-killed',
    isLong: true,
    shows: 'two lossless consumers get every buffer, whichever process is killed',
    macros: { ...TWO, KILL: PROVIDER | DUPLICATOR | CONSUMER_0 | CONSUMER_1 },
  },
  {
    name: 'mixed',
    shows: 'a lossy consumer beside a lossless one gets whole buffers and holds nothing back',
    macros: { ...ONE, LOSSY: 1 },
  },
  {
    name: 'mixed-killed',
    shows: 'every wait of a lossless and of a lossy consumer ends when the provider or one of them is killed',
    macros: { ...ONE, LOSSY: 1, COARSE_READ: 1, KILL: PROVIDER | CONSUMER_0 | CONSUMER_1 },
  },
  {
    name: 'ring-of-three',
    shows: 'a ring of 3 loses nothing when the duplicator is killed',
    macros: { ...ONE, RING: 3, BUFFERS: 5, KILL: DUPLICATOR },
  },
  {
    name: 'quiet-signals',
    shows: 'every wait ends where signals are coalesced and need no answer',
    macros: QUIET,
  },
  {
    name: 'repair-race',
    shows: 'a repair that compares and then stores sets `published` back under a living provider',
    macros: { ...ONE, BUFFERS: 4, START: AT_NEXT, KILL: DUPLICATOR, REPAIR: 1 },
    violation: 'rewritten',
  },
  {
    name: 'withdrawn-claim',
    shows: 'a joining consumer loses a buffer when a claim that is withdrawn and stored again is not counted',
    macros: { ...ONE, START: AT_OLDEST, KILL: DUPLICATOR, CLAIM_LOADS: 1 },
    violation: 'lost',
  },
  {
    name: 'lowered-credit',
    shows: 'a successor that requires credit up to what is published replaces a sound file',
    macros: { ...ONE, BUFFERS: 4, START: AT_OLDEST, KILL: DUPLICATOR, CREDIT_CHECK: 1 },
    violation: 'damaged',
  },
  {
    name: 'read-armed',
    shows: 'a take that waits gets its signal when a poll acknowledges the buffer that it waits for',
    macros: { ...ONE, START: AT_NEXT, READ_ARMED: 2 },
  },
  {
    name: 'read-armed-awake',
    shows: 'a take waits for ever when a poll acknowledges its buffer without asking for a signal',
    macros: { ...ONE, START: AT_NEXT, READ_ARMED: 1 },
    violation: 'stuck',
  },
  {
    name: 'cycles',
    shows: 'no process repeats its steps without progress, whichever process is killed',
    macros: { ...ONE, KILL: PROVIDER | DUPLICATOR | CONSUMER_0 },
    cycles: true,
  },
];

/** Store buffers of x86, and what each fence is for. */
const STORE_BUFFERS: readonly Instance[] = [
  {
    name: 'x86-one',
    shows: 'store buffers change nothing, whichever process is killed; the clearing of a slot needs no fence',
    macros: { ...ONE, MEMORY: X86, KILL: PROVIDER | DUPLICATOR | CONSUMER_0 },
  },
  {
    name: 'x86-lossy',
    shows: 'a lossy consumer reads no torn buffer through store buffers',
    macros: { ...LOSSY, BUFFERS: 4, MEMORY: X86 },
  },
  {
    name: 'x86-quiet',
    shows: 'every wait ends through store buffers where signals need no answer',
    macros: { ...QUIET, MEMORY: X86 },
  },
  {
    name: 'x86-no-fence-published',
    shows: 'without a fence after `published` the last signal is not sent',
    macros: { ...QUIET, MEMORY: X86, NO_FENCE: FENCE.published },
    violation: 'stuck',
  },
  {
    name: 'x86-no-fence-heard',
    shows: 'without a fence after `heard` the last signal is not sent',
    macros: { ...QUIET, MEMORY: X86, NO_FENCE: FENCE.heard },
    violation: 'stuck',
  },
  {
    name: 'x86-no-fence-claim',
    shows: 'without a fence between claim and credit a joining consumer loses a buffer',
    macros: { ...ONE, MEMORY: X86, NO_FENCE: FENCE.claim },
    violation: 'lost',
  },
  {
    name: 'x86-no-fence-granted',
    shows: 'without a fence between lowered credit and claim a joining consumer loses a buffer',
    macros: { ...ONE, MEMORY: X86, NO_FENCE: FENCE.granted },
    violation: 'lost',
  },
];

/** Stores and loads in any order, as on ARM, unless ordered. */
const REORDERED: readonly Instance[] = [
  {
    name: 'arm-lossy',
    shows: 'a lossy consumer reads no torn buffer where all orders of the page are kept',
    macros: { ...LOSSY, MEMORY: ARM },
  },
  {
    name: 'arm-one',
    shows: 'a lossless consumer loses nothing where all orders of the page are kept',
    macros: { ...ONE, MEMORY: ARM, KILL: DUPLICATOR },
  },
  {
    name: 'arm-no-fence-clear',
    shows: 'a payload that overtakes the clearing of its slot is read torn by a lossy consumer',
    macros: { ...LOSSY, MEMORY: ARM, NO_FENCE: FENCE.clear },
    violation: 'torn',
  },
  {
    name: 'arm-no-fence-reader',
    shows: 'a second look at the sequence before the payload lets a lossy consumer read a torn buffer',
    macros: { ...LOSSY, MEMORY: ARM, NO_FENCE: FENCE.reader },
    violation: 'torn',
  },
  {
    name: 'arm-lossless-no-fences',
    shows: 'a lossless consumer needs no fence between its two looks',
    macros: { ...ONE, MEMORY: ARM, NO_FENCE: FENCE.reader },
  },
  {
    name: 'arm-no-release-sequence',
    shows: 'a sequence that overtakes its payload is published torn by a repair',
    macros: { ...ONE, MEMORY: ARM, NO_FENCE: FENCE.releaseSequence, KILL: DUPLICATOR },
    violation: 'torn',
  },
  {
    name: 'arm-no-release-published',
    shows: 'a `published` that overtakes the sequences makes a lossless consumer lose a buffer',
    macros: { ...ONE, MEMORY: ARM, NO_FENCE: FENCE.releasePublished },
    violation: 'lost',
  },
];

export const INSTANCES: readonly Instance[] = [
  ...ALTERNATIVES,
  ...PROPERTIES,
  ...STORE_BUFFERS,
  ...REORDERED,
];
