/**
 * The channels of one flow in the present file of a recording: each is defined when its first
 * message comes, and again in each new file. Used by the recorders of flows and mirrors. Writes
 * definitions into the file.
 */
import { TWO_32, channelOf, schemaOf, type ChannelKind, type RecordedFlow } from '../flow-channel.js';
import type { Series } from './series.js';

/** The members of a buffer that decide its channel. */
export interface BufferIdentity {
  readonly sequence: number;
  readonly epoch: number;
  readonly generation: number;
  readonly flags: number;
}

interface LastChannel {
  readonly epoch: number;
  readonly generation: number;
  readonly flags: number;
  readonly sequenceHigh: number;
  readonly kind: ChannelKind;
  readonly channel: number;
}

export class FlowChannels {
  readonly #flow: RecordedFlow;
  readonly #series: Series;
  readonly #channels = new Map<string, number>();
  readonly #schemas = new Map<ChannelKind, number>();
  #number = 0;
  /** Nearly always the channel of the next buffer too. */
  #last: LastChannel | undefined;

  constructor(flow: RecordedFlow, series: Series) {
    this.#flow = flow;
    this.#series = series;
  }

  /** The number of the file for which channels are defined; `series.number` after `channel`. */
  get number(): number {
    return this.#number;
  }

  /** Throws LIMIT_REACHED when the file has no channels left. */
  channel(kind: ChannelKind, { sequence, epoch, generation, flags }: BufferIdentity): number {
    if (this.#number !== this.#series.number) this.#begin();
    const sequenceHigh = Math.floor(sequence / TWO_32);
    const last = this.#last;
    if (
      last !== undefined &&
      last.epoch === epoch &&
      last.generation === generation &&
      last.flags === flags &&
      last.sequenceHigh === sequenceHigh &&
      last.kind === kind
    )
      return last.channel;
    const key = `${kind} ${epoch} ${generation} ${flags} ${sequenceHigh}`;
    let channel = this.#channels.get(key);
    if (channel === undefined) {
      const definition = channelOf(this.#flow, kind, { epoch, generation, flags, sequenceHigh });
      channel = this.#series.file.addChannel({ ...definition, schemaId: this.#schema(kind) });
      this.#channels.set(key, channel);
    }
    this.#last = { epoch, generation, flags, sequenceHigh, kind, channel };
    return channel;
  }

  #begin(): void {
    this.#number = this.#series.number;
    this.#channels.clear();
    this.#schemas.clear();
    this.#last = undefined;
  }

  #schema(kind: ChannelKind): number {
    const existing = this.#schemas.get(kind);
    if (existing !== undefined) return existing;
    const schema = schemaOf(this.#flow, kind);
    const id = schema === undefined ? 0 : this.#series.file.addSchema(schema);
    this.#schemas.set(kind, id);
    return id;
  }
}
