/**
 * Makes a flow of another host on this one, as its sender announced it in the welcome: files, link
 * and host (HostedFlow), and the sink that fills them; or continues what a killed predecessor left.
 * Called by RemoteFlow. Reads flow file headers; creates files through HostedFlow.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { checkFlowType } from '../../protocol/base/names.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { geometryOf, slotsForBudget } from '../../protocol/flow/flow-file/geometry.js';
import { ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { readFlowHeader } from '../../protocol/flow/flow-file/open.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import type { RemoteFlowOptions } from '../options.js';
import {
  consumersOfPredecessor,
  readPredecessorState,
  type PredecessorState,
} from '../recovery/obtain-file.js';
import { HostedFlow } from '../serving/hosted-flow.js';
import { BufferSink } from './buffer-sink.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import { MirrorSink } from './mirror-sink.js';

/** No slot is open before its credit is checked: the sink opens it in the same moment. */
const OPEN_SLOTS = 0;

export interface ReceivedFlow {
  readonly hosted: HostedFlow;
  readonly sink: FlowSink;
  /** Block history of a mirror; undefined for other flows. */
  readonly history: BlockHistory | undefined;
}

export interface ReceivedFlowHooks {
  readonly beforeLossless: () => Promise<void> | undefined;
  readonly sink: FlowSinkHooks;
}

/** What a killed predecessor left. */
export interface RemotePredecessor {
  readonly state: PredecessorState;
  /** Where the sender is to continue. */
  readonly resume: WireHello['resume'];
  /** Lossless consumers that it had, receivers on other hosts among them. */
  readonly lossless: number;
  /** Lossless receivers on other hosts. */
  readonly remotes: number;
}

/**
 * Examines, after its recovery, what a dead owner left at the flow's path. The file itself is taken
 * over, or replaced, when the flow is made.
 */
export async function findRemotePredecessor(
  options: RemoteFlowOptions,
  log: Logger,
): Promise<RemotePredecessor> {
  const path = flowFilePath(options.flowDirectory, options.app, options.flow);
  const state = await readPredecessorState(path, log);
  const unusable = { state, resume: undefined, lossless: 0, remotes: 0 };
  if (state === undefined || state === 'no report') return unusable;
  if (state.verdict !== 'sound' && state.verdict !== 'repaired') return unusable;
  const file = readFlowHeader(path);
  if ((file.flags & FLOW_FLAGS.remote) === 0 || file.sourceEpoch === 0) return unusable;
  const remotes = file.counter(COUNTERS.holdingRemotes.id);
  return { state, resume: resumePoint(file), lossless: consumersOfPredecessor(file), remotes };
}

/**
 * Where the sender is to continue. A mirror is sent as changes to the publication that is whole in
 * the image; publications that were left out count as published and are not in it.
 */
export function resumePoint({
  sourceEpoch,
  flags,
  published,
  imageApplied,
}: FlowFile): NonNullable<WireHello['resume']> {
  if ((flags & FLOW_FLAGS.mirror) === 0) return { epoch: sourceEpoch, sequence: published };
  return { epoch: sourceEpoch, sequence: Math.min(published, imageApplied) };
}

/**
 * Makes the announced flow, or takes over what a killed predecessor made of it, when that is of the
 * same epoch. Throws WRONG_FLOW_TYPE, SOURCE_PROTOCOL, and what HostedFlow.create throws.
 */
export async function makeReceivedFlow(
  options: RemoteFlowOptions,
  welcome: WireWelcome,
  predecessor: PredecessorState,
  clock: Clock,
  log: Logger,
  hooks: ReceivedFlowHooks,
): Promise<ReceivedFlow> {
  const { app, flow, flowDirectory, type, sourceText } = options;
  if (type !== undefined && type !== welcome.type) {
    const message = `flow ${flow} at ${sourceText} is of type ${welcome.type}; ${type} was requested`;
    throw new MirrorflowError('WRONG_FLOW_TYPE', message, { flow, type: welcome.type });
  }
  // Sequences of another epoch are other buffers.
  const isSameEpoch =
    predecessor === undefined || epochAt(flowFilePath(flowDirectory, app, flow)) === welcome.epoch;
  const hosted = await HostedFlow.create(
    options,
    {
      identity: {
        application: app,
        flow,
        type: checkFlowType(welcome.type),
        properties: propertiesOf(welcome),
      },
      slotCount: slotCountOf(options, welcome),
      payloadCapacity: welcome.bufferSize,
      flags: FLOW_FLAGS.remote | (welcome.mirror ? FLOW_FLAGS.mirror : 0),
      localProvider: false,
      hasImage: welcome.mirror,
      predecessor: isSameEpoch ? predecessor : 'no report',
      host: { openSlots: OPEN_SLOTS, beforeLossless: hooks.beforeLossless },
    },
    clock,
    log,
  );
  const { file, host, image, takenOver } = hosted;
  file.sourceEpoch = welcome.epoch;
  if (image === undefined)
    return { hosted, sink: new BufferSink(file, host, welcome.buffers, hooks.sink), history: undefined };
  const sink = new MirrorSink(file, new ImageWriter(file, image.bytes), host, takenOver, hooks.sink);
  return { hosted, sink, history: sink.history };
}

function epochAt(path: string): number {
  try {
    return readFlowHeader(path).sourceEpoch;
  } catch {
    return 0; // an unreadable file was reported by its recovery already
  }
}

/** As many buffers as requested, as the memory budget allows, or as the source has. */
function slotCountOf({ buffers, ringBytes }: RemoteFlowOptions, welcome: WireWelcome): number {
  if (buffers !== undefined) return geometryOf(buffers, welcome.bufferSize).slotCount;
  if (ringBytes === undefined) return welcome.buffers;
  return slotsForBudget(welcome.bufferSize, ringBytes, LIMITS.slotCountMin, LIMITS.slotCountMax);
}

function propertiesOf({ properties }: WireWelcome): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(properties);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // reported below
  }
  throw new MirrorflowError(
    'SOURCE_PROTOCOL',
    'the sender announced flow properties that are no JSON object',
  );
}
