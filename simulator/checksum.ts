/**
 * A spectrum that proves the others: 16 long channels that hold checksums of the memory they lie
 * in, so that a mirror at the far end can tell whether it is whole.
 *
 *   channel 0  magic 0x4d465831
 *   1, 2       update count, low and high word
 *   3          CRC-32 of the used channel bytes, these 64 bytes taken as zero
 *   4          CRC-32 of the 5,600,000 header bytes
 *   5          used channel bytes
 *   6          CRC-32 of the header before its statistics: what changes only with the bindings
 */
import { crc32 } from 'node:zlib';
import {
  type Binding,
  DISPLAY_HEADER_BYTES,
  DISPLAY_SLOTS,
  STATISTICS_OFFSET,
  channelsOf,
  readBinding,
} from '../protocol/spectcl/display-memory.js';
import type { SpectrumDefinition } from './spectrum-definition.js';

const CHECKSUM_NAME = 'checksum';
const CHECKSUM_CHANNELS = 16;
const MAGIC = 0x4d46_5831;
const OWN_ZEROS = new Uint8Array(CHECKSUM_CHANNELS * 4);

export const CHECKSUM_SPECTRUM: SpectrumDefinition = {
  name: CHECKSUM_NAME,
  type: 4,
  axes: [{ parameter: 'checksum', low: 0, high: CHECKSUM_CHANNELS, bins: CHECKSUM_CHANNELS, unit: 'word' }],
  bare: true,
};

export interface ChecksumResult {
  /** The channels are those of one update, whole. */
  readonly ok: boolean;
  /**
   * The header's bindings are those of the same update. False on an old connection after a binding
   * changed.
   */
  readonly bindingsOk: boolean;
  /** The whole header is. False on an old connection to SpecTcl, where statistics go stale. */
  readonly headerOk: boolean;
  /** Counts the updates that differed; 0 without a checksum spectrum. */
  readonly updateCount: number;
}

/** Brings the checksum spectrum of a simulator's memory up to date. */
export class ChecksumWriter {
  #updates = 0;
  /** CRC of the header before its statistics, and the bindings it belongs to. */
  #bindings = { changes: -1, crc: 0 };

  /**
   * `bindingChanges`: a number that differs whenever the bindings do, which saves most of the
   * header's CRC.
   */
  write(memory: Uint8Array, usedBytes: number, bindingChanges: number): void {
    const binding = findChecksum(memory);
    if (binding === undefined) return;
    this.#updates++;
    if (this.#bindings.changes !== bindingChanges) {
      this.#bindings = { changes: bindingChanges, crc: bindingsCrc(memory) };
    }
    const channels = channelsOf(memory, binding);
    channels[0] = MAGIC;
    channels[1] = this.#updates % 2 ** 32;
    channels[2] = Math.floor(this.#updates / 2 ** 32);
    channels[3] = channelsCrc(memory, usedBytes, binding);
    channels[4] = headerCrc(memory, this.#bindings.crc);
    channels[5] = usedBytes;
    channels[6] = this.#bindings.crc;
  }
}

/**
 * Whether a display memory, wherever it was mirrored to, is the whole of one update. Reads all used
 * channels.
 */
export function verifyChecksum(memory: Uint8Array): ChecksumResult {
  const nothing = { ok: false, bindingsOk: false, headerOk: false, updateCount: 0 };
  const binding = findChecksum(memory);
  if (binding === undefined || binding.byteOffset + binding.byteLength > memory.byteLength) return nothing;
  const [magic, low = 0, high = 0, channels, header, usedBytes = 0, bindings] = channelsOf(memory, binding);
  if (magic !== MAGIC || DISPLAY_HEADER_BYTES + usedBytes > memory.byteLength) return nothing;
  const foundBindings = bindingsCrc(memory);
  return {
    ok: channelsCrc(memory, usedBytes, binding) === channels,
    bindingsOk: foundBindings === bindings,
    headerOk: headerCrc(memory, foundBindings) === header,
    updateCount: high * 2 ** 32 + low,
  };
}

/** First byte of the checksum's channels, from the start of the memory. */
export function checksumOffset(memory: Uint8Array): number | undefined {
  return findChecksum(memory)?.byteOffset;
}

/** A simulator defines it first, so the search ends at slot 0. */
function findChecksum(memory: Uint8Array): Binding | undefined {
  for (let slot = 0; slot < DISPLAY_SLOTS; slot++) {
    const binding = readBinding(memory, slot);
    if (binding?.name !== CHECKSUM_NAME) continue;
    return binding.type.name === '1D long' && binding.xchans === CHECKSUM_CHANNELS ? binding : undefined;
  }
  return undefined;
}

function channelsCrc(memory: Uint8Array, usedBytes: number, own: Binding): number {
  const end = DISPLAY_HEADER_BYTES + usedBytes;
  const before = crc32(memory.subarray(DISPLAY_HEADER_BYTES, Math.min(own.byteOffset, end)));
  if (own.byteOffset >= end) return before;
  return crc32(memory.subarray(own.byteOffset + own.byteLength, end), crc32(OWN_ZEROS, before));
}

function bindingsCrc(memory: Uint8Array): number {
  return crc32(memory.subarray(0, STATISTICS_OFFSET));
}

function headerCrc(memory: Uint8Array, bindings: number): number {
  return crc32(memory.subarray(STATISTICS_OFFSET, DISPLAY_HEADER_BYTES), bindings);
}
