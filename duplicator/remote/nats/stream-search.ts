/**
 * Finds where in the stream a flow continues behind a sequence, in some round trips, so that a
 * duplicator that was started again need not read everything. Called by NatsLink. Sends requests on
 * the connection of the place.
 */
import { REQUEST_TIMEOUT_MS, asBuffer, type StreamPlace } from '../../../protocol/nats/stream-place.js';
import type { Parcel } from '../../../protocol/nats/parcel.js';

/** A stretch of the stream that is read rather than divided further, messages. */
const STRETCH_MESSAGES = 64;
/** Halvings of the longest stream. */
const STEPS_MAX = 60;

export interface StreamSearch {
  readonly place: StreamPlace;
  /** The groups of the flow. */
  readonly subject: string;
  readonly epoch: number;
  /** Everything below it is here. */
  readonly next: number;
  /** A sequence of the stream behind all that is wanted. */
  readonly end: number;
  readonly open: (subject: string, payload: Buffer) => Parcel | undefined;
}

/** A sequence of the stream behind which everything from `next` on is stored; 0: all of it. */
export async function findAnchor(search: StreamSearch): Promise<number> {
  let before = 0;
  let behind = search.end;
  for (let step = 0; step < STEPS_MAX && behind - before > STRETCH_MESSAGES; step += 1) {
    const middle = before + Math.floor((behind - before) / 2);
    const found = await firstFrom(search, middle);
    // A message that cannot be read, or none up to `behind`: the place is before the middle.
    if (found === undefined || found.sequence >= behind) {
      behind = middle;
      continue;
    }
    const { parcel, sequence } = found;
    // A group that ends at `next` is here; parts of one that ends behind it are needed.
    const isHere = parcel !== undefined && (parcel.epoch !== search.epoch || parcel.next <= search.next);
    if (isHere) before = sequence;
    else behind = middle;
  }
  return before;
}

/** The first message of the subject from a sequence of the stream on. */
async function firstFrom(
  { place, subject, open }: StreamSearch,
  from: number,
): Promise<{ readonly sequence: number; readonly parcel: Parcel | undefined } | undefined> {
  const { connection, apiPrefix, stream } = place;
  const answer = await connection.request(
    `${apiPrefix}.DIRECT.GET.${stream}`,
    JSON.stringify({ seq: Math.max(1, from), next_by_subj: subject }),
    { timeout: REQUEST_TIMEOUT_MS },
  );
  const { headers, data } = answer;
  if (headers === undefined || headers.code !== 0) return undefined;
  return { sequence: Number(headers.get('Nats-Sequence')), parcel: open(subject, asBuffer(data)) };
}
