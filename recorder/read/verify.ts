/**
 * Checks recordings, describes them, and repairs those whose recorder was killed. The work of
 * `mirrorflow recordings`. Reads files; a repair writes one.
 */
import { closeSync, fdatasyncSync, ftruncateSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { Chunk } from '../mcap/chunk.js';
import { messagesOf } from '../mcap/chunk-reader.js';
import { RecordingReader } from '../mcap/recording-reader.js';
import { writeFailure } from '../mcap/recording-file.js';

/** An unfinished file of another host that has not changed for so long is of a dead recorder. */
const UNFINISHED_ELSEWHERE_MS = 60_000;

/**
 * `finished`: whole, with its summary. `recording`: its recorder lives, or is on another host and
 * has written within UNFINISHED_ELSEWHERE_MS; `waiting` while such a file has no message. `cut`:
 * its recorder was killed or its disk was full; readable, and `repair` completes it.
 */
export type RecordingStatus = 'finished' | 'recording' | 'waiting' | 'cut';

export interface RecordingInfo {
  readonly path: string;
  readonly status: RecordingStatus;
  readonly application: string | undefined;
  readonly host: string | undefined;
  readonly bytes: number;
  readonly messages: number;
  readonly chunks: number;
  /** Times in nanoseconds since 1970; undefined without messages. */
  readonly startNs: number | undefined;
  readonly endNs: number | undefined;
  readonly flows: readonly {
    readonly flow: string;
    /** Publications of a mirror, SpecTcl's answers to its lists, or the buffers of a flow. */
    readonly kind: 'mirror' | 'answers' | 'flow';
    readonly type: string;
    readonly messages: number;
  }[];
}

export function describeRecording(path: string): RecordingInfo {
  const file = new RecordingReader(path);
  try {
    const [metadata] = file.metadata('recording');
    const { summary } = file;
    type Shown = RecordingInfo['flows'][number] & { messages: number };
    const flows = new Map<string, Shown>();
    for (const { id, topic, metadata: properties } of summary.channels.values()) {
      const channelKind = properties.get('kind') ?? '';
      const isMirror = channelKind === 'key' || channelKind === 'delta';
      const shown: Shown = flows.get(topic) ?? {
        flow: topic,
        kind: isMirror ? 'mirror' : channelKind === 'answer' ? 'answers' : 'flow',
        type: properties.get('type') ?? 'json',
        messages: 0,
      };
      shown.messages += summary.counts.get(id) ?? 0;
      flows.set(topic, shown);
    }
    return {
      path,
      status: statusOf(file),
      application: metadata?.get('application'),
      host: metadata?.get('host'),
      bytes: file.size,
      messages: summary.messages,
      chunks: summary.chunks.length,
      startNs: summary.span?.startNs,
      endNs: summary.span?.endNs,
      flows: [...flows.values()],
    };
  } finally {
    file.close();
  }
}

/** The MCAP files of a directory, or the file itself, the oldest first. Throws BAD_OPTION. */
export function recordingPaths(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => name.endsWith('.mcap'))
      .toSorted()
      .map((name) => join(path, name));
  } catch (error) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `${path} cannot be read: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

export interface Verified {
  readonly status: RecordingStatus;
  readonly messages: number;
  /** What is wrong, each with its place; empty for a sound recording. */
  readonly defects: readonly string[];
  /** Bytes behind the last whole record of an unfinished file. */
  readonly cutBytes: number;
}

/** Reads every chunk and compares its checksum. Throws as `RecordingReader`. */
export function verifyRecording(path: string): Verified {
  const file = new RecordingReader(path);
  try {
    const defects: string[] = [];
    let messages = 0;
    for (const chunk of file.summary.chunks) {
      try {
        for (const { channel } of messagesOf(file.records(chunk))) {
          messages += 1;
          if (!file.summary.channels.has(channel)) defects.push(`channel ${channel} is not defined`);
        }
      } catch (error) {
        if (!(error instanceof MirrorflowError || error instanceof RangeError)) throw error;
        defects.push(`the chunk at byte ${chunk.offset}: ${describeError(error)}`);
      }
    }
    if (defects.length === 0 && messages !== file.summary.messages)
      defects.push(`it has ${messages} messages; its summary states ${file.summary.messages}`);
    return { status: statusOf(file), messages, defects, cutBytes: file.size - file.end };
  } finally {
    file.close();
  }
}

/**
 * Completes a recording that was cut: removes what follows its last whole chunk and writes the
 * summary. Returns the bytes that were removed; undefined for a finished one, which stays as it is.
 * Throws FILE_OWNED while its recorder lives, NO_SPACE, NOT_PERMITTED.
 */
export function repairRecording(path: string): number | undefined {
  const file = new RecordingReader(path);
  try {
    const status = statusOf(file);
    if (status === 'finished') return undefined;
    if (status !== 'cut') {
      throw new MirrorflowError('FILE_OWNED', `${path} is being recorded; stop its recorder first`, { path });
    }
    const { summary, end, size } = file;
    const last = summary.chunks.at(-1);
    let tail = Buffer.alloc(0);
    if (last !== undefined && last.indexBytes === 0) {
      // Its message indexes were cut: they are made again.
      const chunk = new Chunk(last.uncompressedBytes);
      for (const { channel, sequence, timestampNs, data } of messagesOf(file.records(last)))
        chunk.append(channel, sequence, timestampNs, data);
      const sealed = chunk.seal();
      tail = Buffer.concat(sealed.pieces.slice(1));
      const indexOffsets = new Map([...sealed.indexOffsets].map(([channel, at]) => [channel, end + at]));
      summary.chunks[summary.chunks.length - 1] = { ...last, indexOffsets, indexBytes: tail.length };
    }
    complete(path, end, Buffer.concat([tail, summary.encode(end + tail.length)]));
    return size - end;
  } finally {
    file.close();
  }
}

/** The old end is removed first: a repair that is cut itself leaves what it found, repairable. */
function complete(path: string, end: number, bytes: Buffer): void {
  try {
    const fd = openSync(path, 'r+');
    try {
      ftruncateSync(fd, end);
      for (let done = 0; done < bytes.length;)
        done += writeSync(fd, bytes, done, bytes.length - done, end + done);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw writeFailure(path, error);
  }
}

function statusOf(file: RecordingReader): RecordingStatus {
  if (file.isFinished) return 'finished';
  if (!isBeingWritten(file)) return 'cut';
  return file.summary.messages === 0 ? 'waiting' : 'recording';
}

function isBeingWritten(file: RecordingReader): boolean {
  const [metadata] = file.metadata('recording');
  const pid = Number(metadata?.get('pid'));
  const startTicks = metadata?.get('startTicks') ?? '';
  const host = metadata?.get('host');
  if (host === undefined) return false;
  if (host !== hostname()) {
    // A recorder on another host cannot be seen; it writes every few seconds.
    return Date.now() - file.modifiedMs < UNFINISHED_ELSEWHERE_MS;
  }
  if (!/^\d+$/.test(startTicks)) return false;
  return isAlive({ pid, startTicks: BigInt(startTicks), bootId: metadata?.get('bootId') });
}
