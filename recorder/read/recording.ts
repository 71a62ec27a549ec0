/**
 * One recording as its readers see it: one or several files of one application, in the order of
 * their times. Used by players, exports and tests. Opens the files for reading.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { flowOf, TWO_32, type RecordedFlow } from '../flow-channel.js';
import { RecordingReader } from '../mcap/recording-reader.js';
import type { Channel } from '../mcap/summary.js';
import { ANSWER_TOPIC } from '../record/answers.js';
import { PublicationCursor, channelsOf, type RecordedPublication } from './publication-cursor.js';

/** A buffer as it was recorded. */
export interface RecordedBuffer {
  readonly flow: string;
  readonly sequence: number;
  readonly epoch: number;
  readonly generation: number;
  readonly flags: number;
  readonly timestampNs: number;
  /** A view that is valid until the next buffer. */
  readonly data: Buffer;
}

export interface RunMark {
  readonly atNs: number;
  readonly number: string;
  readonly state: string;
  readonly title: string;
}

export class Recording {
  readonly application: string;
  readonly files: readonly RecordingReader[];

  /**
   * Opens the files. Throws BAD_OPTION when there is none or they are of several applications, and
   * as `RecordingReader`.
   */
  constructor(paths: readonly string[]) {
    const files: RecordingReader[] = [];
    try {
      for (const path of paths) files.push(new RecordingReader(path));
      const applications = new Set(files.map(applicationOf));
      const [application, ...others] = applications;
      if (application === undefined) throw new MirrorflowError('BAD_OPTION', 'no recording was given');
      if (others.length > 0) {
        throw new MirrorflowError(
          'BAD_OPTION',
          `the files are recordings of ${[...applications].join(' and ')}; give those of one application`,
        );
      }
      this.application = application;
    } catch (error) {
      for (const file of files) file.close();
      throw error;
    }
    const startOf = (file: RecordingReader): number => file.summary.span?.startNs ?? Infinity;
    this.files = files.toSorted((one, other) => startOf(one) - startOf(other));
  }

  close(): void {
    for (const file of this.files) file.close();
  }

  /** First and last time; undefined for a recording without messages. */
  get span(): { readonly startNs: number; readonly endNs: number } | undefined {
    const spans = this.files.flatMap(({ summary }) => summary.span ?? []);
    if (spans.length === 0) return undefined;
    return {
      startNs: Math.min(...spans.map(({ startNs }) => startNs)),
      endNs: Math.max(...spans.map(({ endNs }) => endNs)),
    };
  }

  /** The recorded flows; of a flow that was defined several times its largest buffers. */
  flows(): (RecordedFlow & { readonly isMirror: boolean })[] {
    const flows = new Map<string, RecordedFlow & { readonly isMirror: boolean }>();
    for (const channel of this.files.flatMap((file) => file.channels())) {
      const found = flowOf(channel);
      if (found === undefined) continue;
      const { kind, application, flow, type, properties } = found;
      const known = flows.get(flow);
      const bufferSize = Math.max(found.bufferSize, known?.bufferSize ?? 0);
      const buffers = Math.max(found.buffers, known?.buffers ?? 0);
      flows.set(flow, {
        application,
        flow,
        type,
        properties,
        bufferSize,
        buffers,
        isMirror: kind !== 'buffers',
      });
    }
    return [...flows.values()];
  }

  /**
   * The buffers of these flows from one time to another, in the order of recording, each once: a
   * recorder that was killed and started again records again what the ring still has.
   */
  *buffers(flows: ReadonlySet<string>, fromNs = 0, toNs = Infinity): Generator<RecordedBuffer> {
    const providers = new Map<string, { last: number }>();
    for (const file of this.files) {
      const channels = channelsOf(file, (kind, flow) => kind === 'buffers' && flows.has(flow));
      const classes = new Map(file.channels().map((channel) => [channel.id, classOf(channel, providers)]));
      for (const message of file.messages({ channels, fromNs, toNs })) {
        const of = classes.get(message.channel);
        if (of === undefined) continue;
        const { flow, epoch, generation, flags, sequenceHigh, provider } = of;
        const sequence = sequenceHigh * TWO_32 + message.sequence;
        if (sequence <= provider.last) continue;
        provider.last = sequence;
        yield {
          flow,
          sequence,
          epoch,
          generation,
          flags,
          timestampNs: message.timestampNs,
          data: message.data,
        };
      }
    }
  }

  /** The mirrors of the recording; their times are those of `publications`. */
  mirrors(): string[] {
    return this.flows().flatMap(({ flow, isMirror }) => (isMirror ? [flow] : []));
  }

  /**
   * The newest publication of a mirror up to a time; the memory belongs to the caller. Undefined
   * when there is none. Throws FILE_CORRUPT when it cannot be restored exactly.
   */
  publicationAt(flow: string, atNs: number): RecordedPublication | undefined {
    return this.cursor(flow).moveTo(atNs);
  }

  /** The publications of a mirror one after another, to move to any time. */
  cursor(flow: string): PublicationCursor {
    return new PublicationCursor(this.files, flow);
  }

  /** SpecTcl's answer to a request, such as `spectrum/list`, at a time; its JSON text. */
  answerAt(request: string, atNs: number): Buffer | undefined {
    let first: Buffer | undefined;
    for (const file of this.files.toReversed()) {
      const channels = new Set(file.channels(ANSWER_TOPIC + request).map(({ id }) => id));
      const message = file.lastUpTo(channels, atNs);
      if (message !== undefined) return message.data;
      for (const { data } of file.messages({ channels })) {
        first = data;
        break;
      }
    }
    // The first answer comes a moment after the first publication.
    return first;
  }

  /** Changes of the run: its number, state and title, in the order of their times. */
  runs(): RunMark[] {
    const marks = this.files.flatMap((file) =>
      file.metadata('run').map((run) => ({
        atNs: Number(run.get('atNs')),
        number: run.get('number') ?? '',
        state: run.get('state') ?? '',
        title: run.get('title') ?? '',
      })),
    );
    return marks
      .toSorted((one, other) => one.atNs - other.atNs)
      .filter((mark, index, all) => {
        const before = all[index - 1];
        return (
          before === undefined ||
          before.number !== mark.number ||
          before.state !== mark.state ||
          before.title !== mark.title
        );
      });
  }
}

/** A channel of buffers, and the last sequence of its provider, which all its channels share. */
function classOf(channel: Channel, providers: Map<string, { last: number }>) {
  const of = flowOf(channel);
  if (of === undefined) return undefined;
  const key = `${of.flow} ${of.epoch} ${of.generation}`;
  const provider = providers.get(key) ?? { last: -1 };
  providers.set(key, provider);
  return { ...of, provider };
}

/** The application of a recording. Throws BAD_OPTION for an MCAP file that is none of ours. */
export function applicationOf(file: RecordingReader): string {
  const [metadata] = file.metadata('recording');
  const application = metadata?.get('application');
  if (application !== undefined) return application;
  throw new MirrorflowError('BAD_OPTION', `${file.path} is an MCAP file, but no recording of mirrorflow`, {
    path: file.path,
  });
}
