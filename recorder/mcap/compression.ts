/**
 * The compressions that chunks may have: none, which every reader has, and zstd where this Node has
 * it. Used by recordings and their readers. Pure.
 */
import * as zlib from 'node:zlib';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Compression } from './chunk.js';

/** Node has these functions since 22.15 and 23.8. */
type Zstd = (bytes: Uint8Array) => Buffer;
const { zstdCompressSync, zstdDecompressSync } = zlib as unknown as {
  readonly zstdCompressSync?: Zstd;
  readonly zstdDecompressSync?: Zstd;
};

/** Throws BAD_OPTION for a compression that is unknown or that this Node lacks. */
export function compressionNamed(name: string | undefined): Compression | undefined {
  if (name === undefined || name === 'none') return undefined;
  if (name !== 'zstd')
    throw new MirrorflowError('BAD_OPTION', `compress is ${JSON.stringify(name)}; it must be none or zstd`);
  if (zstdCompressSync === undefined) throw lacking('write');
  return { name, compress: zstdCompressSync };
}

/** The records of a chunk. Throws BAD_OPTION for a compression that this Node lacks. */
export function decompressed(name: string, bytes: Buffer): Buffer {
  if (name === '') return bytes;
  if (name !== 'zstd') {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the chunks are compressed by ${name}; only zstd and none are read`,
    );
  }
  if (zstdDecompressSync === undefined) throw lacking('read');
  return zstdDecompressSync(bytes);
}

function lacking(verb: string): MirrorflowError {
  return new MirrorflowError(
    'BAD_OPTION',
    `Node ${process.version} cannot ${verb} zstd: use Node 22.15 or newer, or record without compression`,
  );
}
