/**
 * A flow file of a dead owner for the tests of recovery: this process writes it, then falsifies its
 * owner. Creates a temporary directory, which `remove` deletes.
 */
import { closeSync, openSync, writeSync, ftruncateSync } from 'node:fs';
import { createFlowFile, type FlowFileOptions } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { createImage, ImageWriter } from '../../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS } from '../../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import { damageHeader, damageSlot } from '../../protocol/flow/flow-file/damage.js';
import { Place } from '../../protocol/flow/flow-file/place.js';

/** Payload of a slot in bytes: more than one block of an image. */
export const CAPACITY = 5000;
export const SLOTS = 4;

export class DeadFile {
  readonly place = new Place();
  readonly file: FlowFile;
  readonly ring: RingWriter;

  /** A file with `published` buffers; buffer n is filled with n + 1. */
  constructor(published: number, change: Partial<FlowFileOptions> = {}) {
    this.file = createFlowFile({
      path: this.place.file('events.flow'),
      identity: { application: 'test', flow: 'events', type: 'bytes', properties: {} },
      slotCount: SLOTS,
      payloadCapacity: CAPACITY,
      flags: 0,
      epoch: 7,
      mode: 0o640,
      ...change,
    });
    this.ring = new RingWriter(this.file);
    for (let sequence = 0; sequence < published; sequence += 1) this.commit();
    this.ring.publish();
    this.file.granted = published + SLOTS;
    this.file.claimed = published + SLOTS;
    this.bury();
  }

  /** A mirror's file with an image, to which the first `applied` publications were applied. */
  static mirror(published: number, applied: number, flags: number = FLOW_FLAGS.mirror): DeadFile {
    const dead = new DeadFile(published, { flags });
    const image = new ImageWriter(dead.file, createImage(dead.image, CAPACITY, { mode: 0o640 }));
    if (applied > 0) image.apply(Buffer.alloc(CAPACITY, applied), [[0, CAPACITY]], applied - 1, CAPACITY, 0);
    return dead;
  }

  /**
   * A mirror whose link was cut after its last buffer: `lost` sequences are missing, and published
   * as such or not.
   */
  static mirrorWithGap(published: number, applied: number, lost: number, gapPublished: boolean): DeadFile {
    const flags = FLOW_FLAGS.mirror | FLOW_FLAGS.remote;
    const dead = DeadFile.mirror(published, applied, flags);
    dead.ring.skipTo(published + lost);
    if (gapPublished) dead.ring.publish();
    return dead;
  }

  get path(): string {
    return this.file.path;
  }

  get image(): string {
    return this.path.replace(/flow$/, 'image');
  }

  /** Writes the next buffer, without publishing it. */
  commit(): void {
    this.ring.begin().fill(this.ring.next + 1);
    this.ring.commit(CAPACITY, 1);
  }

  /** Makes the owner a dead process: its id is in use by another, with a later start time. */
  bury(): void {
    damageHeader(this.file, 'ownerStartTicks', 1);
  }

  /** Overwrites a word of the slot in which `sequence` lives. */
  setSlot(sequence: number, field: 'sequence' | 'size', value: number): void {
    damageSlot(this.file, sequence, field, value);
  }

  overwrite(at: number, bytes: Buffer): void {
    const fd = openSync(this.path, 'r+');
    writeSync(fd, bytes, 0, bytes.length, at);
    closeSync(fd);
  }

  truncate(bytes: number): void {
    const fd = openSync(this.path, 'r+');
    ftruncateSync(fd, bytes);
    closeSync(fd);
  }

  remove(): void {
    this.place.remove();
  }
}
