/**
 * Packs files into a tar archive, compressed with gzip. `mirrorflow doctor --bundle` uses it.
 *
 * Pure. Source: POSIX pax(1), the interchange format ustar.
 *
 * ```
 * 0 name 100 │ 100 mode 8 │ 108 uid 8 │ 116 gid 8 │ 124 size 12 │ 136 time 12 │ 148 checksum 8 │
 * 156 type 1 │ 157 link 100 │ 257 "ustar\0" 6 │ 263 "00" 2 │ … to 512, then the content
 * ```
 */
import { gzipSync } from 'node:zlib';
import { MirrorflowError } from '../../protocol/base/errors.js';

export interface ArchivedFile {
  /** Relative, at most 99 bytes. */
  readonly name: string;
  readonly content: Buffer;
}

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 99;
const MODE = 0o600;

/** `timeS` is the time of all files, in seconds since 1970. Throws BAD_NAME for a long name. */
export function tarGz(files: readonly ArchivedFile[], timeS: number): Buffer {
  const blocks = files.flatMap(({ name, content }) => [
    header(name, content.length, timeS),
    content,
    Buffer.alloc(-content.length & (BLOCK_BYTES - 1)),
  ]);
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]));
}

function header(name: string, size: number, timeS: number): Buffer {
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
    throw new MirrorflowError('BAD_NAME', `${name} is longer than the ${NAME_BYTES_MAX} bytes of an archive`);
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  const put = (at: number, text: string): void => void block.write(text, at);
  const octal = (value: number, digits: number): string =>
    Math.floor(value).toString(8).padStart(digits, '0');
  put(0, name);
  put(100, `${octal(MODE, 7)}\0`);
  put(108, `${octal(0, 7)}\0`);
  put(116, `${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(timeS, 11)}\0`);
  // The checksum is that of the header with spaces in its place.
  put(148, ' '.repeat(8));
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)}\0 `);
  return block;
}
