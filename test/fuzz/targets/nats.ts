/**
 * Fuzz target for what arrives over NATS: parcels of flows, descriptions, and reports of receivers.
 * Whatever parcels arrive, a receiver never goes back. Run by the fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { GroupFollower } from '../../../duplicator/remote/nats/group-follower.js';
import { decodeDescription, encodeDescription } from '../../../protocol/nats/flow-description.js';
import { PARCEL_HEAD_BYTES, ParcelBits, decodeParcel, encodeParcels } from '../../../protocol/nats/parcel.js';
import { decodeReport, encodeReport } from '../../../protocol/nats/receiver-report.js';
import type { FuzzTarget } from '../fuzzer.js';

const FLOW = {
  epoch: 1,
  first: 0,
  delivery: 'lossy',
  integrity: 'off',
  type: 'bytes',
  properties: '{}',
  buffers: 2,
  bufferSize: 1,
  mirror: false,
  state: 'live',
  sinceNs: 1,
  generation: 0,
} as const;
const followers = [new GroupFollower(1, false, 0), new GroupFollower(1, true, 0)];

export const natsParcels: FuzzTarget = {
  name: 'nats-parcels',
  dictionary: ['MFPC', '"wan"', '"flow"', 'stored', 'lossless', Buffer.alloc(8), Buffer.alloc(8, 0xff)],
  generate: (random) => {
    const follows = random() % 100;
    const isDescription = random() % 3 === 0;
    const content = isDescription
      ? encodeDescription({ wan: 'stored', flow: FLOW })
      : encodeReport({ id: '0'.repeat(32), epoch: 1, next: follows, delivery: 'lossless' });
    const bits = isDescription ? ParcelBits.DESCRIPTION : random() % 2;
    const head = { bits, epoch: 1, follows, next: follows + (random() % 3), anchor: 0, group: random() };
    const limit = PARCEL_HEAD_BYTES + 1 + (random() % 500);
    const parcels = encodeParcels(head, [content], limit);
    return parcels[random() % parcels.length] ?? content;
  },
  run: (input) => {
    const parcel = decodeParcel(input);
    const content = typeof parcel === 'string' ? input : parcel.content;
    const description = decodeDescription(content);
    assert(typeof description === 'string' || Number.isSafeInteger(description.flow.epoch));
    const report = decodeReport(content);
    assert(typeof report === 'string' || report.next >= 0);
    if (typeof parcel === 'string') return;
    for (const follower of followers) {
      const before = follower.next;
      follower.step(parcel);
      assert(follower.next >= before && (follower.next === before || follower.next === parcel.next));
    }
  },
};
