/**
 * The binary message that carries one view of a spectrum from the server to a page. `frames.ts` of
 * the server encodes it, `connection.ts` of the page decodes it. Pure. Layout, little-endian:
 *
 *     0  u32 id of the subscription
 *     4  u32 length of the head
 *     8  head: JSON, padded with spaces to a multiple of 8
 *        values: of the type that the head names, row by row
 *
 * The subscription id comes first and apart, so that all pages with the same view share the bytes
 * behind it. `packed-frame.ts` has the form for slow lines.
 */
import type { GateFigures } from '../../analysis/gates/gate-figures.js';
import type { RegionFigures } from '../../analysis/region/region-figures.js';
import type { ChannelRange } from './ranges.js';
import type { SpectrumInfo } from './spectrum-info.js';
import type { RateWindow, Region } from './subscription.js';

export type ValueType = 'u8' | 'u16' | 'u32' | 'f64';
export type Values = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/**
 * Moments of the counts in a region, in channels: the middle of channel c is c + 0.5. Null where
 * the region has no counts.
 */
export interface RegionStatistics {
  readonly sum: number;
  readonly xmean: number | null;
  /** Standard deviation. */
  readonly xsigma: number | null;
  readonly ymean: number | null;
  readonly ysigma: number | null;
}

/** Counts per second, and the seconds over which they were counted. */
export interface RegionRate {
  readonly perSecond: number;
  readonly error: number;
  readonly spanS: number;
}

/** A region of the request and its figures, in stored channels. */
export interface RegionAnswer extends Region {
  /** Statistics of all counts of the view, in 1-D and 2-D spectra. */
  readonly statistics: RegionStatistics;
  /** Net counts and their moments; 1-D only. */
  readonly figures?: RegionFigures;
  readonly rate?: RegionRate;
  /** The counts of the channels, where the request asks for them. */
  readonly counts?: readonly number[];
}

/** The counts inside a gate, in units of the axes. */
export interface GateAnswer {
  readonly name: string;
  readonly figures: GateFigures;
  readonly rate?: RegionRate;
}

export interface FrameHead {
  readonly values: ValueType;
  readonly info: SpectrumInfo;
  /** 1 for 1-D and projections. */
  readonly dimensions: 1 | 2;
  /** Channels of the frame, and how many of them make one value. */
  readonly x: ChannelRange;
  readonly xgroup: number;
  readonly y: ChannelRange;
  readonly ygroup: number;
  /** Values across and up. */
  readonly columns: number;
  readonly rows: number;
  /** Highest value of the frame, and sum over all stored channels, also those out of view. */
  readonly max: number;
  readonly sum: number;
  readonly regions?: readonly RegionAnswer[];
  /** Figures of all gates that are drawn on the view, where it requests them. */
  readonly gates?: readonly GateAnswer[];
  readonly rateS?: RateWindow;
  /** Seconds that the counts of a rate cover; 0 while there is no earlier sample. */
  readonly spanS?: number;
  /**
   * The moment since which counts are shown, and whether the server remembers it: without it there
   * are no counts.
   */
  readonly since?: { readonly atMs: number; readonly known: boolean };
  readonly overflows: readonly number[];
  readonly underflows: readonly number[];
  /** Milliseconds since 1970 of the publication. */
  readonly atMs: number;
  readonly sequence: number;
  /** The moment of the recording that the subscription asked for. */
  readonly momentMs?: number;
}

export interface Frame {
  readonly id: number;
  readonly head: FrameHead;
  /** A view into the message. */
  readonly values: Values;
}

const ID_BYTES = 4;
const LENGTH_BYTES = 4;
/** A typed array over the values begins at a multiple of the largest of its elements. */
const ALIGNMENT_BYTES = 8;

/** Everything after the id of the subscription. */
export function encodeFrameBody(head: FrameHead, values: Values): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const padded = Math.ceil(text.length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const body = new Uint8Array(LENGTH_BYTES + padded + values.byteLength);
  new DataView(body.buffer).setUint32(0, padded, true);
  body.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  body.set(text, LENGTH_BYTES);
  body.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), LENGTH_BYTES + padded);
  return body;
}

export function encodeFrameId(id: number): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES);
  new DataView(bytes.buffer).setUint32(0, id, true);
  return bytes;
}

/** Throws RangeError or SyntaxError for an invalid frame. */
export function decodeFrame(message: ArrayBuffer): Frame {
  const view = new DataView(message);
  if (message.byteLength < ID_BYTES + LENGTH_BYTES)
    throw new RangeError(`a frame of ${message.byteLength} bytes has no head`);
  const id = view.getUint32(0, true);
  const length = view.getUint32(ID_BYTES, true);
  const start = ID_BYTES + LENGTH_BYTES;
  if (length > message.byteLength - start) {
    throw new RangeError(`a frame of ${message.byteLength} bytes announces a head of ${length}`);
  }
  const text = new TextDecoder().decode(new Uint8Array(message, start, length));
  const head = JSON.parse(text) as FrameHead;
  const count = head.columns * head.rows;
  return { id, head, values: decodeValues(head.values, message, start + length, count) };
}

/** `count` values in a buffer, from byte `at` on; throws RangeError where they do not fit. */
export function decodeValues(type: ValueType, buffer: ArrayBuffer, at: number, count: number): Values {
  switch (type) {
    case 'u8':
      return new Uint8Array(buffer, at, count);
    case 'u16':
      return new Uint16Array(buffer, at, count);
    case 'u32':
      return new Uint32Array(buffer, at, count);
    case 'f64':
      return new Float64Array(buffer, at, count);
    default:
      throw new RangeError(`unknown type of values in a frame: ${String(type satisfies never)}`);
  }
}
