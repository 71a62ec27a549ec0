/**
 * Checks the header of a display memory, SpecTcl's shared memory of spectra, against the size of
 * its channel storage. Used by duplicators, which publish an update only with a sound header. Pure.
 */
import {
  DISPLAY_HEADER_BYTES,
  DISPLAY_SLOTS,
  extentOf,
  headerView,
  textField,
  typeOf,
  typesOf,
} from './display-memory.js';

export interface HeaderProblem {
  readonly slot: number;
  readonly problem: string;
}

/** Largest number of reported problems; an invalid header may have ten thousand. */
const HEADER_PROBLEMS_MAX = 100;

/**
 * The problems of a header that would mislead a reader, at most HEADER_PROBLEMS_MAX; empty for a
 * sound header. `channelBytes`: size of the channel storage. Reads only the header of `memory`.
 */
export function checkHeader(memory: Uint8Array, channelBytes: number): HeaderProblem[] {
  const types = typesOf(memory);
  const view = headerView(memory);
  const problems: HeaderProblem[] = [];
  for (let slot = 0; slot < DISPLAY_SLOTS && problems.length < HEADER_PROBLEMS_MAX; slot++) {
    const code = types[slot] ?? 0;
    if (code === 0) continue;
    const problem = slotProblem(memory, view, slot, code, channelBytes);
    if (problem !== undefined) problems.push({ slot, problem });
  }
  return problems;
}

function slotProblem(
  memory: Uint8Array,
  view: DataView,
  slot: number,
  code: number,
  channelBytes: number,
): string | undefined {
  const type = typeOf(code);
  if (type === undefined) return `unknown type ${code}`;
  if (textField(memory, 'titles', slot).indexOf(0) < 0) return 'title without a terminating NUL';
  const { xchans, ychans, byteOffset, byteLength } = extentOf(view, slot, type);
  if (xchans === 0 || ychans === 0) return `${xchans} x ${ychans} channels`;
  const first = byteOffset - DISPLAY_HEADER_BYTES;
  if (first + byteLength <= channelBytes) return undefined;
  return `${type.name}, ${xchans} x ${ychans} channels at byte ${first}, ends at byte ${first + byteLength}, beyond the ${channelBytes} bytes of channel storage`;
}
