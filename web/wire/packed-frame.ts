/**
 * Frames for slow lines: the changes of a view since its last frame, arranged so that deflate makes
 * them small. `encoded-frame.ts` of the server packs and deflates, `frame-reader.ts` of the page
 * inflates and unpacks. Pure; the deflating is done by the callers. Layout, little-endian:
 *
 *     0  u32 id of the subscription
 *     4  u32 PACKED_WHOLE or PACKED_CHANGES, where a frame of `frame.ts` has a length
 *     8  raw deflate stream of:
 *        0  u32 length of the head
 *        4  head: JSON, [members, names of removed members]; PACKED_CHANGES has only members that
 *           differ from the last head
 *           planes: the lowest bytes of all differences, then the next higher bytes, and so on
 *
 * A difference is a value minus the value of the last frame, modulo 2^8, 2^16 or 2^32: counts grow
 * by little, so that most planes are almost all 0. The last frame of PACKED_WHOLE is all 0.
 */
import { decodeValues, type Frame, type FrameHead, type Values, type ValueType } from './frame.js';

/** In the place of the length of a head, which is never that long. */
export const PACKED_WHOLE = 0xffff_ffff;
export const PACKED_CHANGES = 0xffff_fffe;
/** Id and form of a message. */
export const PACKED_PREFIX_BYTES = 8;

const LENGTH_BYTES = 4;
const VALUE_BYTES: Readonly<Record<ValueType, number>> = { u8: 1, u16: 2, u32: 4, f64: 8 };

type Words = Uint8Array | Uint16Array | Uint32Array;
export type FrameContent = Omit<Frame, 'id'>;

/** Whether the changes from one to the other can be packed: same value type, columns and rows. */
export function isSameShape(one: FrameHead, other: FrameHead): boolean {
  return one.values === other.values && one.columns === other.columns && one.rows === other.rows;
}

/** The bytes to deflate; `last`: a frame of the same shape, or undefined for a whole frame. */
export function packFrame({ head, values }: FrameContent, last: FrameContent | undefined): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(headChanges(head, last?.head)));
  const words = wordsOf(values);
  const bytes = new Uint8Array(LENGTH_BYTES + text.length + words.byteLength);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, LENGTH_BYTES);
  splitPlanes(
    bytes.subarray(LENGTH_BYTES + text.length),
    words,
    last === undefined ? undefined : wordsOf(last.values),
  );
  return bytes;
}

/** The opposite of `packFrame`; throws RangeError or SyntaxError for invalid bytes. */
export function unpackFrame(bytes: Uint8Array, last: FrameContent | undefined): FrameContent {
  if (bytes.length < LENGTH_BYTES)
    throw new RangeError(`a packed frame of ${bytes.length} bytes has no head`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const start = LENGTH_BYTES + length;
  if (start > bytes.length) {
    throw new RangeError(`a packed frame of ${bytes.length} bytes announces a head of ${length}`);
  }
  const text = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, start));
  const head = applyHeadChanges(JSON.parse(text) as HeadChanges, last?.head);
  if (last !== undefined && !isSameShape(head, last.head)) {
    throw new RangeError('the changes of a packed frame have another shape than the last frame');
  }
  const planes = bytes.subarray(start);
  const count = head.columns * head.rows;
  const expected = count * VALUE_BYTES[head.values];
  if (planes.length !== expected) {
    throw new RangeError(`a packed frame has ${planes.length} bytes of values, not ${expected}`);
  }
  const values = decodeValues(head.values, new ArrayBuffer(expected), 0, count);
  joinPlanes(wordsOf(values), planes, last === undefined ? undefined : wordsOf(last.values));
  return { head, values };
}

type HeadChanges = readonly [changed: Partial<FrameHead>, removed: readonly (keyof FrameHead)[]];

function headChanges(head: FrameHead, last: FrameHead | undefined): HeadChanges {
  if (last === undefined) return [head, []];
  const names = Object.keys(head) as (keyof FrameHead)[];
  const differing = names.filter((name) => JSON.stringify(head[name]) !== JSON.stringify(last[name]));
  const changed = Object.fromEntries(differing.map((name) => [name, head[name]])) as Partial<FrameHead>;
  const removed = (Object.keys(last) as (keyof FrameHead)[]).filter((name) => head[name] === undefined);
  return [changed, removed];
}

function applyHeadChanges([changed, removed]: HeadChanges, last: FrameHead | undefined): FrameHead {
  const members = Object.entries({ ...last, ...changed });
  const names: readonly string[] = removed;
  return Object.fromEntries(members.filter(([name]) => !names.includes(name))) as unknown as FrameHead;
}

/** The bytes of the values as whole numbers; one of 64 bits is two of 32. */
function wordsOf(values: Values): Words {
  return values instanceof Float64Array
    ? new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
    : values;
}

function splitPlanes(planes: Uint8Array, words: Words, last: Words | undefined): void {
  const { length, BYTES_PER_ELEMENT: width } = words;
  for (let index = 0; index < length; index += 1) {
    let rest = (words[index] ?? 0) - (last?.[index] ?? 0);
    for (let plane = 0; plane < width; plane += 1) {
      planes[plane * length + index] = rest;
      rest >>= 8;
    }
  }
}

function joinPlanes(words: Words, planes: Uint8Array, last: Words | undefined): void {
  const { length, BYTES_PER_ELEMENT: width } = words;
  for (let index = 0; index < length; index += 1) {
    let difference = 0;
    for (let plane = width - 1; plane >= 0; plane -= 1) {
      difference = (difference << 8) | (planes[plane * length + index] ?? 0);
    }
    // The array keeps the lowest bits, which is the modulo.
    words[index] = (last?.[index] ?? 0) + difference;
  }
}
