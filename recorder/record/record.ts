/**
 * Records flows and the mirror of one application until it is stopped: the work of `mirrorflow
 * record`. Reads flows through the client it is given and writes files into one directory.
 */
import { SPECTRA_FLOW, type Client } from '../../client-lib/index.js';
import { systemClock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { compressionNamed } from '../mcap/compression.js';
import { AnswerRecorder } from './answers.js';
import { FlowRecorder, type FlowCounts } from './flow-recorder.js';
import { MirrorRecorder } from './mirror-recorder.js';
import { Series } from './series.js';

export interface RecordOptions {
  readonly flows: readonly string[];
  /** Where the files go. */
  readonly directory: string;
  /** From one recorded publication of a mirror to the next. */
  readonly everyMs: number;
  /** Stop after so long. */
  readonly forMs?: number | undefined;
  readonly rotateBytes?: number | undefined;
  readonly rotateMs?: number | undefined;
  readonly keepMs?: number | undefined;
  readonly keepBytes?: number | undefined;
  /** `none` or `zstd`. */
  readonly compress?: string | undefined;
  readonly hold: boolean;
  readonly lossy: boolean;
}

export interface RecordingState {
  /** The files that were begun, in their order. */
  readonly paths: readonly string[];
  readonly flows: readonly FlowCounts[];
  /** Bytes of the present file. */
  readonly bytes: number;
  /** For each flow without a live source what its recorder waits for. */
  readonly waiting: readonly string[];
}

/**
 * Resolves when `signal` is aborted or the time is over, with every file closed. Throws NO_SPACE
 * when the disk is full, and other failures of the disk or the flows, after closing the files and
 * the flows: what was recorded before stays readable.
 *
 * `note` gets sentences for people; `onBegin` the state, whose members stay current.
 */
export async function record(
  client: Client,
  options: RecordOptions,
  signal: AbortSignal,
  note: (text: string) => void,
  onBegin: (state: RecordingState) => void = () => undefined,
): Promise<RecordingState> {
  const ending = new AbortController();
  let failure: MirrorflowError | undefined;
  const fail = (error: unknown): void => {
    failure ??=
      error instanceof MirrorflowError ? error : new MirrorflowError('SYSTEM_ERROR', describeError(error));
    ending.abort();
  };
  const compression = compressionNamed(options.compress);
  const series = await Series.begin({
    application: client.app,
    ...options,
    compression,
    clock: systemClock,
    onFailure: fail,
  });
  const end = (): void => ending.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  const cancelEnd = options.forMs === undefined ? undefined : systemClock.after(options.forMs, end);
  const recorders: FlowRecording[] = [];
  const state: RecordingState = {
    paths: series.paths,
    get flows() {
      return recorders.map(({ counts }) => counts);
    },
    get bytes() {
      return series.file.bytes;
    },
    get waiting() {
      return recorders.flatMap(({ waiting }) => waiting ?? []);
    },
  };
  try {
    const runs = await begin(client, options, series, note, recorders);
    onBegin(state);
    await Promise.all(runs.map((run) => run(ending.signal).catch(fail)));
  } catch (error) {
    fail(error);
  } finally {
    cancelEnd?.();
    signal.removeEventListener('abort', end);
    await series.close().catch(fail);
  }
  if (failure !== undefined) throw failure;
  return state;
}

type Run = (signal: AbortSignal) => Promise<void>;

/** A recorder of a flow or of the mirror. */
type FlowRecording = Pick<FlowRecorder, 'counts' | 'waiting'>;

async function begin(
  client: Client,
  { flows, everyMs, hold, lossy }: RecordOptions,
  series: Series,
  note: (text: string) => void,
  recorders: FlowRecording[],
): Promise<Run[]> {
  const { source } = await client.appInfo();
  const infos = await client.flows();
  const isMirror = (flow: string): boolean =>
    infos.find((info) => info.flow === flow)?.type === 'spectra' ||
    (flow === SPECTRA_FLOW && source !== undefined);
  const runs: Run[] = [];
  let answers: AnswerRecorder | undefined;
  if (source?.startsWith('spectcl:') === true && flows.some(isMirror)) {
    answers = new AnswerRecorder({ source, application: client.app, series, clock: systemClock, note });
  }
  for (const flow of flows) {
    const recorder = isMirror(flow)
      ? new MirrorRecorder({
          client,
          flow,
          series,
          everyMs,
          clock: systemClock,
          note,
          onDefinitions: () => answers?.definitionsChanged(),
        })
      : new FlowRecorder({ client, flow, series, hold, lossy, note });
    recorders.push(recorder);
    runs.push((signal) => recorder.run(signal));
  }
  if (answers !== undefined) runs.push((signal) => answers.run(signal));
  return runs;
}
