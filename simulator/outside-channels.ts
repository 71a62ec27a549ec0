/**
 * Which channels of a spectrum of SpecTcl 5 lie outside its axes, the first and the last of each,
 * and the statistics of the events in them. Used by spectrum-store.ts. Pure.
 */

/** Bits of the sides on which a channel lies outside the axes. */
const OUTSIDE = { xUnder: 1, xOver: 2, yUnder: 4, yOver: 8 };

/** Adds one count to the statistics of a spectrum: its events beyond the ends of both axes. */
export function countOutside(
  { overflows, underflows }: { readonly overflows: [number, number]; readonly underflows: [number, number] },
  bits: number,
): void {
  if ((bits & OUTSIDE.xUnder) !== 0) underflows[0]++;
  if ((bits & OUTSIDE.xOver) !== 0) overflows[0]++;
  if ((bits & OUTSIDE.yUnder) !== 0) underflows[1]++;
  if ((bits & OUTSIDE.yOver) !== 0) overflows[1]++;
}

/** The OUTSIDE bits of each channel: those at the ends of the axes are under- and overflow. */
export function outsideChannels(xchans: number, ychans: number): Uint8Array {
  const bits = new Uint8Array(xchans * ychans);
  for (let y = 0; y < ychans; y++) {
    bits[y * xchans]! |= OUTSIDE.xUnder;
    bits[y * xchans + xchans - 1]! |= OUTSIDE.xOver;
  }
  if (ychans > 1) {
    for (let x = 0; x < xchans; x++) {
      bits[x]! |= OUTSIDE.yUnder;
      bits[(ychans - 1) * xchans + x]! |= OUTSIDE.yOver;
    }
  }
  return bits;
}
