/**
 * Records every buffer of one flow. Started by `record`; reads the flow as a consumer with a
 * history of its own, so that a disk that is slow for a moment loses nothing and holds no provider
 * back. Appends to the present file of the series.
 */
import type { Client, FlowBuffer, InputFlow, PolledBuffer } from '../../client-lib/index.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { readFlowHeader } from '../../protocol/flow/flow-file/open.js';
import type { RecordedFlow } from '../flow-channel.js';
import { FlowChannels } from './channels.js';
import type { Series } from './series.js';
import { pauseUnlessAborted } from './pause.js';
import { sourceWait } from './source-wait.js';

export interface FlowRecorderOptions {
  readonly client: Client;
  readonly flow: string;
  readonly series: Series;
  /** Hold the provider back rather than lose a buffer when the disk is slower than the flow. */
  readonly hold: boolean;
  /** Be lapped rather than hold the provider back in any case. */
  readonly lossy: boolean;
  /** Called with a sentence for people. */
  readonly note: (text: string) => void;
}

/** Counts of one recorded flow. */
export interface FlowCounts {
  readonly flow: string;
  buffers: number;
  bytes: number;
  lost: number;
}

const RETRY_MS = 200;
/** Memory of the history: a second of a flow of 64 MiB/s. */
const HISTORY_BYTES = 64 * 2 ** 20;
const HISTORY_BUFFERS_MIN = 8;
const HISTORY_BUFFERS_MAX = 16_384;
/** Losses are reported at most so often. */
const REPORT_INTERVAL_MS = 10_000;

export class FlowRecorder {
  readonly counts: FlowCounts;
  readonly #options: FlowRecorderOptions;
  #reportedMs = -Infinity;
  #flow: InputFlow | undefined;

  constructor(options: FlowRecorderOptions) {
    this.#options = options;
    this.counts = { flow: options.flow, buffers: 0, bytes: 0, lost: 0 };
  }

  /** What it waits for; undefined while a provider is attached. */
  get waiting(): string | undefined {
    return sourceWait(this.counts.flow, this.#flow, 'the flow does not exist yet');
  }

  /** Records until the signal is aborted. Waits for a flow that does not exist yet. */
  async run(signal: AbortSignal): Promise<void> {
    const opened = await this.#open(signal);
    if (opened === undefined) return;
    const { flow, identity } = opened;
    this.#flow = flow;
    flow.on('lost', (buffers) => this.#reportLost(buffers));
    try {
      await this.#copy(flow, identity, signal);
    } finally {
      await flow.close();
    }
  }

  async #copy(flow: InputFlow, identity: RecordedFlow, signal: AbortSignal): Promise<void> {
    const { series } = this.#options;
    const channels = new FlowChannels(identity, series);
    const { counts } = this;
    const count = (size: number): void => {
      counts.buffers += 1;
      counts.bytes += size;
    };
    const append = (buffer: PolledBuffer | FlowBuffer): boolean => {
      const channel = channels.channel('buffers', buffer);
      if (!series.file.append(channel, buffer.sequence, buffer.timestampNs, buffer.bytes)) return false;
      count(buffer.size);
      return true;
    };
    const appendPolled = (buffer: PolledBuffer): void => {
      if (!append(buffer)) this.#reportLost(1);
    };
    while (!signal.aborted) {
      const buffer = await takeUntil(flow, signal);
      if (buffer === undefined) return;
      // Another file may begin while this one is waited for.
      while (!append(buffer)) await series.file.ready();
      buffer.release();
      // What fits into the present chunk is copied without a wait in between.
      for (let room = 1; room > 0;) {
        room = series.file.roomFor(identity.bufferSize);
        if (room === 0 || flow.poll(appendPolled, room) === 0) break;
      }
      await series.rotateIfDue();
    }
  }

  async #open(
    signal: AbortSignal,
  ): Promise<{ readonly flow: InputFlow; readonly identity: RecordedFlow } | undefined> {
    const { client, flow: name, hold, lossy, note } = this.#options;
    let noted = false;
    while (!signal.aborted) {
      const info = (await client.flows()).find((one) => one.flow === name);
      const { file, bufferSize } = info ?? {};
      if (file !== undefined && bufferSize !== undefined) {
        try {
          const identity = identityOf(file);
          const flow = await client.openInput(name, {
            delivery: lossy ? 'lossy' : 'lossless',
            history: historyBuffers(bufferSize),
            whenFull: hold ? 'block' : 'drop',
          });
          note(`attached to the flow ${name}`);
          return { flow, identity };
        } catch (error) {
          if (!isMirrorflowError(error, 'UNKNOWN_FLOW')) throw error;
        }
      }
      if (!noted) note(`waiting for the flow ${name}`);
      noted = true;
      await pauseUnlessAborted(RETRY_MS, signal);
    }
    return undefined;
  }

  #reportLost(buffers: number): void {
    this.counts.lost += buffers;
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < REPORT_INTERVAL_MS) return;
    this.#reportedMs = nowMs;
    const { flow, lost } = this.counts;
    this.#options.note(
      `the recording falls behind ${flow}: ${lost} buffers were lost so far; --hold would slow its provider down instead`,
    );
  }
}

function historyBuffers(bufferSize: number): number {
  const fitting = Math.floor(HISTORY_BYTES / Math.max(1, bufferSize));
  return Math.min(HISTORY_BUFFERS_MAX, Math.max(HISTORY_BUFFERS_MIN, fitting));
}

/** Throws UNKNOWN_FLOW when the file is gone. */
export function identityOf(file: string): RecordedFlow {
  const { identity, geometry } = readFlowHeader(file);
  const { application, flow, type, properties } = identity;
  return {
    application,
    flow,
    type,
    properties,
    bufferSize: geometry.payloadCapacity,
    buffers: geometry.slotCount,
  };
}

/**
 * Undefined at the end of the flow, and when the signal is aborted. The flow stays open: a buffer
 * that waits for the disk is still written.
 */
async function takeUntil(flow: InputFlow, signal: AbortSignal): Promise<FlowBuffer | undefined> {
  try {
    return await flow.take({ signal });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
