/** Tests where a restarted duplicator resumes in a NATS stream. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { NatsConnection } from '@nats-io/transport-node';
import { findAnchor } from '../../../../duplicator/remote/nats/stream-search.js';
import { decodeParcel, encodeParcels, type Parcel } from '../../../../protocol/nats/parcel.js';

const EPOCH = 9;
const SUBJECT = 'data';

/** A message of another flow, or the group of one buffer: its sequence, and its epoch. */
type Stored = { readonly sequence: number; readonly epoch: number } | undefined;

/** A server with the stream; counts requests. */
function serverWith(stream: readonly Stored[], first: number) {
  const counted = { requests: 0 };
  const request = (_subject: string, body: string): Promise<unknown> => {
    counted.requests += 1;
    const { seq } = JSON.parse(body) as { seq: number };
    const from = Math.max(seq, first);
    const index = stream.findIndex((message, at) => at + 1 >= from && message !== undefined);
    const message = stream[index];
    if (message === undefined) return Promise.resolve({ headers: { code: 404 } });
    const { epoch, sequence } = message;
    const head = { bits: 0, epoch, follows: sequence, next: sequence + 1, anchor: 0, group: sequence };
    const [data] = encodeParcels(head, [], 100);
    return Promise.resolve({ headers: { code: 0, get: () => String(index + 1) }, data });
  };
  const connection = { request } as unknown as NatsConnection;
  return { counted, place: { connection, apiPrefix: '$JS.API', stream: 'test' } };
}

const open = (_subject: string, payload: Buffer): Parcel | undefined => {
  const parcel = decodeParcel(payload);
  return typeof parcel === 'string' ? undefined : parcel;
};

describe('the search in a stream', () => {
  it('the search in a stream finds a place behind which every missing buffer is, for all other contents', async () => {
    const others = fc.array(fc.nat(3), { maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(others, fc.nat(99), fc.nat(99), fc.nat(40), async (gaps, part, lost, old) => {
        const stream: Stored[] = Array.from({ length: old }, (_, sequence) => ({
          sequence,
          epoch: EPOCH - 1,
        }));
        for (const [sequence, gap] of gaps.entries())
          stream.push(...Array.from({ length: gap }, () => undefined), { sequence, epoch: EPOCH });
        const next = Math.floor((gaps.length * part) / 100);
        const { place } = serverWith(stream, Math.floor((stream.length * lost) / 100));
        const end = stream.length + 1;
        const anchor = await findAnchor({ place, subject: SUBJECT, epoch: EPOCH, next, end, open });
        const missing = stream.findIndex((one) => one?.epoch === EPOCH && one.sequence >= next);
        if (missing >= 0) expect(anchor).to.be.at.most(missing);
      }),
    );
  });

  it('the search in a stream takes a few round trips for a million messages, and reads few buffers again', async () => {
    const stream: Stored[] = Array.from({ length: 1_000_000 }, (_, sequence) => ({ sequence, epoch: EPOCH }));
    const { place, counted } = serverWith(stream, 1);
    const next = 654_321;
    const search = { place, subject: SUBJECT, epoch: EPOCH, next, end: stream.length + 1, open };
    const anchor = await findAnchor(search);
    expect(anchor).to.be.at.most(next);
    expect(next - anchor).to.be.lessThan(65);
    expect(counted.requests).to.be.lessThan(16);
  });
});
