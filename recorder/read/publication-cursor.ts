/**
 * Moves through the recorded publications of one mirror: to any time, and cheaply from one to the
 * next. Used by `Recording` and the player. Reads the files it is given.
 */
import { corrupt, type RecordedMessage, type RecordingReader } from '../mcap/recording-reader.js';
import { DecodedPublication } from '../mirror/publication-codec.js';

/** A display memory at a moment. */
export interface RecordedPublication {
  readonly sequence: number;
  readonly timestampNs: number;
  /** Belongs to the caller. */
  readonly memory: Buffer;
}

interface Placed {
  readonly file: RecordingReader;
  readonly message: RecordedMessage;
}

/** The channels of a file whose kind and topic are wanted. */
export function channelsOf(
  file: RecordingReader,
  isWanted: (kind: string, flow: string) => boolean,
): ReadonlySet<number> {
  const wanted = file.channels().filter(({ metadata, topic }) => isWanted(metadata.get('kind') ?? '', topic));
  return new Set(wanted.map(({ id }) => id));
}

export class PublicationCursor {
  readonly #files: readonly RecordingReader[];
  readonly #flow: string;
  #messages: Generator<Placed, void, undefined> | undefined;
  #next: Placed | undefined;
  #decoded = new DecodedPublication();
  #current: RecordedPublication | undefined;

  /** `files`: in the order of their times. */
  constructor(files: readonly RecordingReader[], flow: string) {
    this.#files = files;
    this.#flow = flow;
  }

  /** Time of the first publication; undefined without one. */
  get firstNs(): number | undefined {
    for (const file of this.#files) {
      const keys = this.#channels(file, 'key');
      for (const { timestampNs } of file.messages({ channels: keys })) return timestampNs;
    }
    return undefined;
  }

  /** Time of the publication after the one that `moveTo` returned last. */
  get nextNs(): number | undefined {
    return this.#next?.message.timestampNs;
  }

  /**
   * The newest publication up to a time. Undefined when there is none. Throws FILE_CORRUPT when it
   * cannot be restored exactly.
   */
  moveTo(atNs: number): RecordedPublication | undefined {
    if (this.#messages === undefined || this.#current === undefined || atNs < this.#current.timestampNs)
      this.#restart(atNs);
    let last: Placed | undefined;
    while (this.#next !== undefined && this.#next.message.timestampNs <= atNs) {
      last = this.#next;
      throwDefect(last, this.#decoded.apply(last.message.data));
      this.#advance();
    }
    if (last !== undefined) {
      throwDefect(last, this.#decoded.check(last.message.data));
      const { sequence = 0, memory } = this.#decoded;
      this.#current = { sequence, timestampNs: last.message.timestampNs, memory: Buffer.from(memory) };
    }
    return this.#current;
  }

  /** Begins at the last key frame up to a time. */
  #restart(atNs: number): void {
    this.#current = undefined;
    this.#decoded = new DecodedPublication();
    let from = 0;
    let keyNs = 0;
    for (let index = this.#files.length - 1; index >= 0; index -= 1) {
      const file = this.#files[index];
      const key = file?.lastUpTo(this.#channels(file, 'key'), atNs);
      if (key === undefined) continue;
      [from, keyNs] = [index, key.timestampNs];
      break;
    }
    this.#messages = this.#placed(from, keyNs);
    this.#advance();
  }

  #advance(): void {
    const next = this.#messages?.next();
    this.#next = next?.done === false ? next.value : undefined;
  }

  /** Messages from the key frame of a time on, through this and all later files. */
  *#placed(from: number, keyNs: number): Generator<Placed, void, undefined> {
    for (const [index, file] of this.#files.slice(from).entries()) {
      const channels = channelsOf(file, (kind, name) => isPublication(kind) && name === this.#flow);
      let begun = false;
      for (const message of file.messages({ channels, fromNs: index === 0 ? keyNs : 0 })) {
        begun ||= message.of.metadata.get('kind') === 'key';
        if (begun) yield { file, message };
      }
    }
  }

  #channels(file: RecordingReader, wanted: string): ReadonlySet<number> {
    return channelsOf(file, (kind, name) => kind === wanted && name === this.#flow);
  }
}

function isPublication(kind: string): boolean {
  return kind === 'key' || kind === 'delta';
}

function throwDefect({ file, message }: Placed, defect: string | undefined): void {
  if (defect !== undefined) throw corrupt(file.path, `${message.of.topic}: ${defect}`);
}
