/**
 * An archive of files in one (tar, POSIX ustar), for several spectra in a format that holds one.
 * The web server sends it. Pure.
 */

const BLOCK_BYTES = 512;
const MODE = '0000644';
/** Fields of a header: place and length. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
} as const;

/** Name of at most 100 ASCII characters, content, and its time in milliseconds since 1970. */
export function* tarEntry(name: string, content: Uint8Array, atMs: number): Generator<Uint8Array> {
  yield headerOf(name, content.length, atMs);
  yield content;
  const rest = content.length % BLOCK_BYTES;
  if (rest > 0) yield new Uint8Array(BLOCK_BYTES - rest);
}

/** The end of the archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}

function headerOf(name: string, size: number, atMs: number): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = ([at, length]: readonly [number, number], text: string): void => {
    for (let index = 0; index < Math.min(length, text.length); index += 1)
      header[at + index] = text.charCodeAt(index);
  };
  const octal = (value: number, digits: number): string =>
    Math.floor(value).toString(8).padStart(digits, '0');
  put(FIELDS.name, name);
  put(FIELDS.mode, MODE);
  put(FIELDS.uid, octal(0, 7));
  put(FIELDS.gid, octal(0, 7));
  put(FIELDS.size, octal(size, 11));
  put(FIELDS.mtime, octal(Math.max(0, atMs / 1_000), 11));
  put(FIELDS.checksum, ' '.repeat(8));
  put(FIELDS.type, '0');
  put(FIELDS.magic, 'ustar\u000000');
  let sum = 0;
  for (const byte of header) sum += byte;
  put(FIELDS.checksum, `${octal(sum, 6)}\u0000 `);
  return header;
}
