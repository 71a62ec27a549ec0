/**
 * What a flow from another host is made of on this one: flow file, image, signal link, and what
 * fills them. Made when the other host has told what it is.
 */
import { rmSync } from 'node:fs';
import type { Access } from '../../protocol/host/access/access.js';
import { inodeOf, releasePath } from '../../protocol/base/files/claim.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { flowFilePath, imageFilePath } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { geometryOf, slotsForBudget } from '../../protocol/flow/flow-file/geometry.js';
import { ImageWriter, createImage } from '../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { openFlowHeader } from '../../protocol/flow/flow-file/open.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { checkFlowType } from '../../protocol/base/names.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import { FlowHost } from '../serving/flow-host.js';
import { prepareFlowPaths } from '../serving/flow-paths.js';
import { listenOnLink } from '../serving/listen.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import type { RemoteFlowOptions } from '../options.js';
import { mapImage } from '../recovery/image-check.js';
import {
  readPredecessorState,
  consumersOfPredecessor,
  obtainFlowFile,
  type PredecessorState,
} from '../recovery/obtain-file.js';
import { BufferSink } from './buffer-sink.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import { MirrorSink } from './mirror-sink.js';

/** A slot is opened in the moment in which it is found that it may be. */
const OPEN_SLOTS = 0;

export interface RemoteParts {
  readonly file: FlowFile;
  readonly inode: bigint | undefined;
  /** A mirror's. */
  readonly imagePath: string | undefined;
  readonly history: BlockHistory | undefined;
  readonly link: string;
  readonly host: FlowHost;
  readonly sink: FlowSink;
}

export interface RemoteDependencies {
  readonly beforeLossless: () => Promise<void> | undefined;
  readonly hooks: FlowSinkHooks;
}

/**
 * What a killed predecessor left: where it was, and how many lossless consumers it had, receivers
 * on other hosts among them.
 */
export interface RemotePredecessor {
  readonly inherited: PredecessorState;
  readonly resume: WireHello['resume'];
  readonly expected: number;
  readonly remotes: number;
}

/**
 * Looks, after its recovery, at what a dead owner left at the flow's path. The file itself is taken
 * over, or replaced, when the flow is made.
 */
export async function findRemotePredecessor(
  options: RemoteFlowOptions,
  log: Logger,
): Promise<RemotePredecessor> {
  const path = flowFilePath(options.flowDirectory, options.app, options.flow);
  const inherited = await readPredecessorState(path, log);
  const nothing = { inherited, resume: undefined, expected: 0, remotes: 0 };
  if (inherited === undefined || inherited === 'no report') return nothing;
  if (inherited.verdict !== 'sound' && inherited.verdict !== 'repaired') return nothing;
  const file = openFlowHeader(path);
  if ((file.flags & FLOW_FLAGS.remote) === 0 || file.sourceEpoch === 0) return nothing;
  const remotes = file.counter(COUNTERS.holdingRemotes.id);
  return { inherited, resume: resumePoint(file), expected: consumersOfPredecessor(file), remotes };
}

/**
 * Where the sender is to go on. A mirror is sent as what changed since the publication that is here
 * whole: of one that was left out nothing is here, though it counts as published.
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
 * Makes the flow that was announced, or takes over what a killed predecessor made of it, when that
 * is the same epoch of the same flow. Throws WRONG_FLOW_TYPE, TOO_LARGE, NO_SPACE and what claiming
 * throws; nothing is left behind then.
 */
export async function makeFlow(
  options: RemoteFlowOptions,
  welcome: WireWelcome,
  inherited: PredecessorState,
  clock: Clock,
  log: Logger,
  { beforeLossless, hooks }: RemoteDependencies,
): Promise<RemoteParts> {
  const { app, flow, flowDirectory } = options;
  const { path, link, access } = prepareFlowPaths(options, log);
  const { file, expected, takenOver } = obtain(options, welcome, path, inherited, access, log);
  const inode = inodeOf(path);
  const imagePath = welcome.mirror ? imageFilePath(flowDirectory, app, flow) : undefined;
  const links = streamLink().createServer({ socketMode: access.of('socket').mode });
  try {
    access.grant(path, 'image', takenOver);
    const host = new FlowHost({
      file,
      links,
      openSlots: OPEN_SLOTS,
      expected,
      reattachMs: options.reattachMs,
      stallTimeoutMs: options.stallTimeoutMs,
      beforeLossless,
      clock,
      log,
    });
    const made = imagePath === undefined ? undefined : imageOf(imagePath, file, access, takenOver);
    await listenOnLink(links, link);
    access.grant(link, 'socket');
    file.sourceEpoch = welcome.epoch;
    if (made === undefined) {
      const sink = new BufferSink(file, host, welcome.buffers, hooks);
      return { file, inode, imagePath, history: undefined, link, host, sink };
    }
    const sink = new MirrorSink(file, new ImageWriter(file, made), host, takenOver, hooks);
    return { file, inode, imagePath, history: sink.history, link, host, sink };
  } catch (error) {
    await links.close();
    // What was received into a file that was taken over is not this start's to give up.
    if (!takenOver) {
      if (imagePath !== undefined) rmSync(imagePath, { force: true });
      if (inode !== undefined) releasePath(path, inode);
    }
    throw error;
  }
}

/** Ends links and removes the files; the flow file last, since it says whose the image is. */
export async function releaseFlow({ file, inode, imagePath, host }: RemoteParts): Promise<void> {
  host.setSourceState('ended', Number(wallClockNs()), host.generation);
  if (imagePath !== undefined) rmSync(imagePath, { force: true });
  if (inode !== undefined) releasePath(file.path, inode);
  await host.close();
}

function obtain(
  options: RemoteFlowOptions,
  welcome: WireWelcome,
  path: string,
  inherited: PredecessorState,
  access: Access,
  log: Logger,
) {
  const { app, flow, flowDirectory, type } = options;
  if (type !== undefined && type !== welcome.type) {
    throw new MirrorflowError(
      'WRONG_FLOW_TYPE',
      `flow ${flow} at ${options.sourceText} is of type ${welcome.type}, and ${type} is wanted`,
      { flow, type: welcome.type },
    );
  }
  const wanted = {
    path,
    identity: {
      application: app,
      flow,
      type: checkFlowType(welcome.type),
      properties: propertiesOf(welcome),
    },
    slotCount: slotsOf(options, welcome),
    payloadCapacity: welcome.bufferSize,
    flags: FLOW_FLAGS.remote | (welcome.mirror ? FLOW_FLAGS.mirror : 0),
    ...access.of('image'), // the flow takes no provider here: nobody but this process writes
  };
  // Sequences of another epoch are other buffers.
  const same = inherited === undefined || sourceEpochOf(path) === welcome.epoch;
  return obtainFlowFile(wanted, flowDirectory, same ? inherited : 'no report', log);
}

function sourceEpochOf(path: string): number {
  try {
    return openFlowHeader(path).sourceEpoch;
  } catch {
    return 0; // whatever is wrong with it, its recovery has said so
  }
}

/** As many buffers as asked for, as the memory budget allows, or as the source has. */
function slotsOf({ buffers, ringBytes }: RemoteFlowOptions, welcome: WireWelcome): number {
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
    // told below
  }
  throw new MirrorflowError('SOURCE_PROTOCOL', 'the properties of the flow are no JSON object');
}

function imageOf(path: string, file: FlowFile, access: Access, takenOver: boolean): Buffer {
  const image = takenOver
    ? mapImage(path, file.geometry.payloadCapacity)
    : createImage(path, file.geometry.payloadCapacity, access.of('image'));
  access.grant(path, 'image', takenOver);
  return image;
}
