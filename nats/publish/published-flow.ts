/**
 * One flow as it is published: numbers its groups, cuts them into parcels, describes the flow at
 * changes and as a sign of life, and bounds what far receivers of a `lossless` flow lack. Used by
 * MirrorPublisher and BufferPublisher, which make the groups. Publishes through StreamWriter.
 */
import { randomInt } from 'node:crypto';
import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { flowChannels, type FlowChannels } from '../../protocol/nats/flow-channels.js';
import {
  DESCRIPTION_INTERVAL_MS,
  encodeDescription,
  type WanMode,
} from '../../protocol/nats/flow-description.js';
import {
  PARCEL_HEAD_BYTES,
  ParcelBits,
  decodeParcel,
  encodeParcels,
  type GroupHead,
  type Parcel,
} from '../../protocol/nats/parcel.js';
import { decodeReport } from '../../protocol/nats/receiver-report.js';
import { asBuffer, lastStored } from '../../protocol/nats/stream-place.js';
import { nameOfToken, type NatsSubjects } from '../../protocol/nats/subjects.js';
import { FarReceivers } from './far-receivers.js';
import type { StreamWriter } from './stream-writer.js';

/** Largest parcel: as large as servers allow by default, with room for headers. */
const PARCEL_BYTES_MAX = 512 * 1024;
/** Bytes of the headers of a message at most. */
const HEADERS_BYTES = 4_096;
/** Part of the bounds of the stream, 0 to 1, that far receivers may lack. */
const LACKING_SHARE = 0.5;

export interface PublishedFlowOptions {
  readonly app: string;
  readonly flow: string;
  readonly wan: WanMode;
  readonly subjects: NatsSubjects;
  readonly writer: StreamWriter;
  readonly clock: Clock;
  readonly log: Logger;
  /** The header of the flow's file as it is now. Throws when there is none. */
  readonly header: () => FlowFile;
}

/** Where the parcels of a group are published. */
export type GroupKind = 'live' | 'key at the start' | 'key for joining';

export class PublishedFlow {
  readonly #options: PublishedFlowOptions;
  readonly #channels: FlowChannels;
  readonly #reports: Subscription;
  readonly #far: FarReceivers;
  /** Groups that far receivers may lack, in order, and their bytes. */
  #lacking: { readonly next: number; readonly bytes: number }[] = [];
  #lackingBytes = 0;
  #lackingEpoch = 0;
  #wakeCredit: () => void = () => undefined;
  #group = randomInt(2 ** 32 - 1);
  #epoch = 0;
  #next = 0;
  #cancelDescription: () => void = () => undefined;
  #isDescribing = false;
  /** Something is to be described once the last description is stored. */
  #hasChanged = false;
  #closed = false;

  constructor(options: PublishedFlowOptions) {
    this.#options = options;
    const { app, flow, subjects, clock, writer } = options;
    this.#channels = flowChannels(subjects, app, flow);
    this.#far = new FarReceivers(clock);
    this.#reports = writer.place.connection.subscribe(subjects.take(app, flow, '*', 'report'), {
      callback: (error, message) => {
        if (error === null && this.#reported(message)) this.#wakeCredit();
      },
    });
  }

  /** Bytes of the content of one parcel. */
  get roomBytes(): number {
    return this.#parcelBytes - PARCEL_HEAD_BYTES;
  }

  /**
   * The sequence behind what an earlier publisher has published of `epoch`; undefined when it has
   * published nothing.
   */
  async resume(epoch: number): Promise<number | undefined> {
    const { data, description } = this.#channels;
    const found = await Promise.all([this.#last(data), this.#last(description)]);
    let next: number | undefined;
    for (const parcel of found) {
      if (parcel === undefined || typeof parcel === 'string' || parcel.epoch !== epoch) continue;
      const isWhole = parcel.part === parcel.parts - 1;
      next = Math.max(next ?? 0, isWhole ? parcel.next : parcel.follows);
    }
    return next;
  }

  /** Everything below `next` was published before. */
  begin(epoch: number, next: number): void {
    this.#epoch = epoch;
    this.#next = next;
    this.describe();
  }

  /**
   * Publishes a group of buffers, or a delta that builds upon the sequence `follows` - 1. Resolves
   * when it is stored.
   */
  publish(
    kind: GroupKind,
    frames: readonly Buffer[],
    group: Pick<GroupHead, 'epoch' | 'follows' | 'next'>,
  ): Promise<void> {
    const bits = kind === 'live' ? 0 : ParcelBits.KEY;
    const parcels = encodeParcels(this.#head({ bits, ...group }), frames, this.#parcelBytes);
    if (group.epoch !== this.#epoch || group.next > this.#next) {
      this.#epoch = group.epoch;
      this.#next = group.next;
    }
    const { wan, writer } = this.#options;
    if (wan === 'lossy' && kind === 'live' && !this.#isMirror()) return this.#passOn(parcels);
    if (wan === 'lossless' && kind === 'live') this.#lack(group, parcels);
    const name = `${group.follows}-${group.next}@${this.#group}`;
    let stored: Promise<void> = Promise.resolve();
    for (const [part, payload] of parcels.entries()) {
      const subject = this.#subjectOf(kind, part === parcels.length - 1);
      stored = writer.publish({ subject, payload, id: this.#id(`${name}.${part}`) });
    }
    return stored;
  }

  /** Publishes the description of the flow and the state of its source now. */
  describe(): void {
    this.#cancelDescription();
    if (this.#closed) return;
    const { clock, wan, writer, header } = this.#options;
    this.#cancelDescription = clock.after(DESCRIPTION_INTERVAL_MS, () => this.describe(), true);
    // One at a time: while the server is unreachable they would only add up.
    this.#hasChanged = this.#isDescribing;
    if (this.#isDescribing) return;
    let file: FlowFile;
    try {
      file = header();
    } catch {
      return; // the file is replaced just now
    }
    if (file.epoch !== this.#epoch) return; // described with its first buffer
    const { state, generation } = file.provider;
    const content = encodeDescription({
      wan,
      flow: {
        epoch: this.#epoch,
        first: this.#next,
        delivery: 'lossless',
        integrity: 'off',
        type: file.identity.type,
        properties: JSON.stringify(file.identity.properties),
        buffers: file.geometry.slotCount,
        bufferSize: file.geometry.payloadCapacity,
        mirror: (file.flags & FLOW_FLAGS.mirror) !== 0,
        state,
        sinceNs: file.sourceStateSinceNs,
        generation,
      },
    });
    const place = { bits: ParcelBits.DESCRIPTION, epoch: this.#epoch, follows: this.#next, next: this.#next };
    const [payload] = encodeParcels(this.#head(place), [content], this.#parcelBytes);
    if (payload === undefined) return;
    const id = this.#id(`description@${this.#group}`);
    this.#isDescribing = true;
    void writer.publish({ subject: this.#channels.description, payload, id }).then(() => {
      this.#isDescribing = false;
      if (this.#hasChanged) this.describe();
    });
  }

  /**
   * Resolves when the next group may be published: few enough bytes are under way, and far
   * receivers of a `lossless` flow lack no more than the stream keeps for them.
   */
  async room(signal: AbortSignal): Promise<void> {
    const { writer, clock, wan } = this.#options;
    await writer.room();
    if (wan !== 'lossless') return;
    const limit = writer.bounds.maxBytes * LACKING_SHARE;
    for (this.#settle(); this.#lackingBytes > limit && !signal.aborted; this.#settle()) {
      await new Promise<void>((resolve) => {
        // Receivers that are silent for too long do not count any more.
        const cancel = clock.after(DESCRIPTION_INTERVAL_MS, resolve);
        this.#wakeCredit = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#cancelDescription();
    this.#wakeCredit();
    this.#reports.unsubscribe();
  }

  /** The site of the receiver stands in the subject. False for what is no report of it. */
  #reported({ subject, data }: Msg): boolean {
    const site = nameOfToken(subject.split('.').at(-2) ?? '');
    const bytes = this.#options.writer.seals.open(site, subject, data);
    const report = bytes === undefined ? undefined : decodeReport(bytes);
    if (typeof report !== 'object') return false;
    this.#far.report(site, report);
    return true;
  }

  async #last(subject: string): Promise<Parcel | string | undefined> {
    const { writer, subjects } = this.#options;
    const stored = await lastStored(writer.place, subject);
    const bytes =
      stored === undefined ? undefined : writer.seals.open(subjects.site, subject, stored.payload);
    return bytes === undefined ? undefined : decodeParcel(asBuffer(bytes));
  }

  get #parcelBytes(): number {
    const { max_payload: limit = PARCEL_BYTES_MAX } = this.#options.writer.place.connection.info ?? {};
    return Math.min(PARCEL_BYTES_MAX, limit - HEADERS_BYTES);
  }

  #isMirror(): boolean {
    return (this.#options.header().flags & FLOW_FLAGS.mirror) !== 0;
  }

  #head(group: Pick<GroupHead, 'bits' | 'epoch' | 'follows' | 'next'>): GroupHead {
    this.#group = (this.#group + 1) % 2 ** 32;
    return { ...group, anchor: this.#options.writer.anchor, group: this.#group };
  }

  #id(name: string): string {
    return `${this.#options.app}/${this.#options.flow}/${this.#epoch}/${name}`;
  }

  #subjectOf(kind: GroupKind, isLast: boolean): string {
    const { data, keyEnd, keyParts } = this.#channels;
    if (kind === 'live') return data;
    if (isLast) return keyEnd;
    return kind === 'key at the start' ? data : keyParts;
  }

  async #passOn(parcels: readonly Buffer[]): Promise<void> {
    const { seals, place } = this.#options.writer;
    const { connection } = place;
    const { passing } = this.#channels;
    if (connection.isClosed()) return;
    for (const parcel of parcels) connection.publish(passing, seals.seal(passing, parcel));
    // What waits to be sent is bounded by what is under way.
    await connection.flush().catch(() => undefined);
  }

  #lack({ epoch, next }: Pick<GroupHead, 'epoch' | 'next'>, parcels: readonly Buffer[]): void {
    if (epoch !== this.#lackingEpoch) {
      this.#lacking = [];
      this.#lackingBytes = 0;
      this.#lackingEpoch = epoch;
    }
    const bytes = parcels.reduce((sum, { length }) => sum + length, 0);
    this.#lacking.push({ next, bytes });
    this.#lackingBytes += bytes;
  }

  /** Without receivers that need every buffer nothing is lacking. */
  #settle(): void {
    const slowest = this.#far.slowest(this.#lackingEpoch) ?? Infinity;
    let count = 0;
    for (const { next, bytes } of this.#lacking) {
      if (next > slowest) break;
      count += 1;
      this.#lackingBytes -= bytes;
    }
    this.#lacking.splice(0, count);
  }
}
