/**
 * The bytes of a file with one day of trends of one application. `TrendStore` writes and reads the
 * files. Pure: encodes to and decodes from buffers. All numbers are little-endian.
 *
 *     file     ┌──────────────────┬──────────┬──────────┬───
 *              │ magic "MFTREND1" │ record   │ record   │ …
 *              └──────────────────┴──────────┴──────────┴───
 *     record   ┌────────────┬────────────┬─────────────────────────┐
 *              │ length u32 │ crc32 u32  │ payload, `length` bytes │   crc32 of the payload
 *              └────────────┴────────────┴─────────────────────────┘
 *     payload  ┌──────┬────────────────────────────────────────────┐
 *              │ 1 u8 │ columns: JSON, an array of keys of trends  │   for the minutes that follow
 *              ├──────┼────────────┬───────────────────────────────┤
 *              │ 2 u8 │ minute u32 │ mean, low, high f32, a column │   minutes since 1970; NaN: none
 *              └──────┴────────────┴───────────────────────────────┘
 *
 * A killed writer leaves at most one record unfinished, at the end. A record with a wrong checksum
 * is skipped; a length that cannot be ends the file there.
 */
import { crc32 } from 'node:zlib';
import type { TrendPoint } from './trend-levels.js';

export const FILE_MAGIC = Buffer.from('MFTREND1', 'latin1');

const RECORD_HEADER_BYTES = 8;
const COLUMNS = 1;
const MINUTE = 2;
const MINUTE_HEADER_BYTES = 5;
const POINT_BYTES = 12;
/** Longer than any record: the columns of a hundred trends with the longest names. */
const PAYLOAD_BYTES_MAX = 256 * 1024;

export type TrendRecord =
  | { readonly kind: 'columns'; readonly keys: readonly string[] }
  /** Points in the order of the columns. */
  | { readonly kind: 'minute'; readonly minute: number; readonly points: readonly TrendPoint[] };

export interface DecodedFile {
  readonly records: readonly TrendRecord[];
  /** Bytes that are whole records, from the beginning of the file; 0 for a foreign file. */
  readonly soundBytes: number;
  /** Records that were skipped for their checksum or content. */
  readonly damaged: number;
}

export function encodeRecord(record: TrendRecord): Buffer {
  const payload = record.kind === 'columns' ? columnsPayload(record.keys) : minutePayload(record);
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32(payload), 4);
  return Buffer.concat([header, payload]);
}

export function decodeFile(bytes: Buffer): DecodedFile {
  const records: TrendRecord[] = [];
  if (!bytes.subarray(0, FILE_MAGIC.length).equals(FILE_MAGIC)) return { records, soundBytes: 0, damaged: 0 };
  let at = FILE_MAGIC.length;
  let damaged = 0;
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + RECORD_HEADER_BYTES + length;
    if (length === 0 || length > PAYLOAD_BYTES_MAX || end > bytes.length) break;
    const payload = bytes.subarray(at + RECORD_HEADER_BYTES, end);
    const record = crc32(payload) === bytes.readUInt32LE(at + 4) ? decodePayload(payload) : undefined;
    if (record === undefined) damaged += 1;
    else records.push(record);
    at = end;
  }
  return { records, soundBytes: at, damaged };
}

function columnsPayload(keys: readonly string[]): Buffer {
  return Buffer.concat([Buffer.of(COLUMNS), Buffer.from(JSON.stringify(keys), 'utf8')]);
}

function minutePayload({ minute, points }: TrendRecord & { kind: 'minute' }): Buffer {
  const payload = Buffer.alloc(MINUTE_HEADER_BYTES + points.length * POINT_BYTES);
  payload.writeUInt8(MINUTE, 0);
  payload.writeUInt32LE(minute, 1);
  points.forEach(({ mean, low, high }, index) => {
    const at = MINUTE_HEADER_BYTES + index * POINT_BYTES;
    payload.writeFloatLE(mean, at);
    payload.writeFloatLE(low, at + 4);
    payload.writeFloatLE(high, at + 8);
  });
  return payload;
}

function decodePayload(payload: Buffer): TrendRecord | undefined {
  switch (payload[0]) {
    case COLUMNS:
      return decodeColumns(payload.subarray(1));
    case MINUTE:
      return decodeMinute(payload);
    default:
      return undefined;
  }
}

function decodeColumns(text: Buffer): TrendRecord | undefined {
  try {
    const keys: unknown = JSON.parse(text.toString('utf8'));
    const isList = Array.isArray(keys) && keys.every((key): key is string => typeof key === 'string');
    return isList ? { kind: 'columns', keys } : undefined;
  } catch {
    return undefined;
  }
}

function decodeMinute(payload: Buffer): TrendRecord | undefined {
  const columns = (payload.length - MINUTE_HEADER_BYTES) / POINT_BYTES;
  if (!Number.isInteger(columns) || columns < 0) return undefined;
  const points = Array.from({ length: columns }, (_, index) => {
    const at = MINUTE_HEADER_BYTES + index * POINT_BYTES;
    return {
      mean: payload.readFloatLE(at),
      low: payload.readFloatLE(at + 4),
      high: payload.readFloatLE(at + 8),
    };
  });
  return { kind: 'minute', minute: payload.readUInt32LE(1), points };
}
