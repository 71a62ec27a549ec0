/**
 * The checksum spectrum of the SpecTcl simulator: 16 channels of 32 bits that hold checksums of the
 * display memory that contains them. With these, tests and benchmarks verify that a mirror at the
 * receiving end is a whole update. The simulator writes it, tests and programs of test/ and bench/
 * verify it. Pure: reads and writes the memory that it is given.
 *
 *   channel 0  magic 0x4d465831 ("MFX1")
 *   1, 2       update count, low and high word
 *   3          CRC-32 of the used channel bytes, with these 64 bytes as zero
 *   4          CRC-32 of the 5,600,000 header bytes
 *   5          used channel bytes
 *   6          CRC-32 of the header before its statistics, which changes only with the bindings
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
/** Stands for the channels of the checksum itself in the CRC of the channels. */
const ZEROED_CHECKSUM = new Uint8Array(CHECKSUM_CHANNELS * 4);

export const CHECKSUM_SPECTRUM: SpectrumDefinition = {
  name: CHECKSUM_NAME,
  type: 4,
  axes: [{ parameter: 'checksum', low: 0, high: CHECKSUM_CHANNELS, bins: CHECKSUM_CHANNELS, unit: 'word' }],
  bare: true,
};

export interface ChecksumResult {
  /** Whether the channels are those of one whole update. */
  readonly ok: boolean;
  /**
   * Whether the header's bindings belong to the same update. False on a connection that is older
   * than a change of the bindings.
   */
  readonly bindingsOk: boolean;
  /**
   * Whether the whole header does. False on an old connection to SpecTcl: it sends no statistics.
   */
  readonly headerOk: boolean;
  /** Number of changed updates so far; 0 without a checksum spectrum. */
  readonly updateCount: number;
}

/** Updates the checksum spectrum of a simulator's memory. */
export class ChecksumWriter {
  #updates = 0;
  /**
   * CRC of the header before its statistics, and the `bindingChanges` for which it was computed.
   */
  #bindings = { changes: -1, crc: 0 };

  /**
   * `bindingChanges`: a number that changes with the bindings: while it is the same, most of the
   * header's CRC is not computed again.
   */
  write(memory: Uint8Array, usedBytes: number, bindingChanges: number): void {
    const binding = checksumBinding(memory);
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
 * Verifies that a display memory, or a mirror of it, is one whole update. Reads all used channels.
 */
export function verifyChecksum(memory: Uint8Array): ChecksumResult {
  const invalid = { ok: false, bindingsOk: false, headerOk: false, updateCount: 0 };
  const binding = checksumBinding(memory);
  if (binding === undefined || binding.byteOffset + binding.byteLength > memory.byteLength) return invalid;
  const [magic, low = 0, high = 0, channels, header, usedBytes = 0, bindings] = channelsOf(memory, binding);
  if (magic !== MAGIC || DISPLAY_HEADER_BYTES + usedBytes > memory.byteLength) return invalid;
  const actualBindings = bindingsCrc(memory);
  return {
    ok: channelsCrc(memory, usedBytes, binding) === channels,
    bindingsOk: actualBindings === bindings,
    headerOk: headerCrc(memory, actualBindings) === header,
    updateCount: high * 2 ** 32 + low,
  };
}

/** First byte of the checksum's channels, from the start of the memory. */
export function checksumOffset(memory: Uint8Array): number | undefined {
  return checksumBinding(memory)?.byteOffset;
}

/** A simulator defines the checksum spectrum first, so the search usually ends at slot 0. */
function checksumBinding(memory: Uint8Array): Binding | undefined {
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
  return crc32(memory.subarray(own.byteOffset + own.byteLength, end), crc32(ZEROED_CHECKSUM, before));
}

function bindingsCrc(memory: Uint8Array): number {
  return crc32(memory.subarray(0, STATISTICS_OFFSET));
}

function headerCrc(memory: Uint8Array, bindings: number): number {
  return crc32(memory.subarray(STATISTICS_OFFSET, DISPLAY_HEADER_BYTES), bindings);
}
