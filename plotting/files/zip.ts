/**
 * Writes a zip whose entries are stored as they are, piece by piece. Used for npz files. Pure. The
 * format is that of APPNOTE 6.3; positions and sizes have 32 bits, so an archive has at most 4 GiB.
 */

const LOCAL_HEAD_BYTES = 30;
const CENTRAL_HEAD_BYTES = 46;
const END_BYTES = 22;
const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
/** Version 2.0 of the format, and names in UTF-8. */
const VERSION = 20;
const UTF_8_NAMES = 0x0800;
const BYTES_MAX = 2 ** 32 - 1;
const ENTRIES_MAX = 2 ** 16 - 1;
/** Times before it have no representation. */
const FIRST_YEAR = 1980;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ ((value & 1) === 0 ? 0 : 0xedb88320);
  return value;
});

interface Entry {
  readonly name: Uint8Array;
  readonly crc: number;
  readonly bytes: number;
  readonly dosTime: number;
  readonly offset: number;
}

export class ZipWriter {
  readonly #entries: Entry[] = [];
  #position = 0;

  /** `atMs`: milliseconds since 1970. Throws RangeError when the archive grows beyond 4 GiB. */
  *entry(name: string, content: Uint8Array, atMs: number): Generator<Uint8Array> {
    const encoded = new TextEncoder().encode(name);
    const entry = {
      name: encoded,
      crc: crc32(content),
      bytes: content.length,
      dosTime: dosTimeOf(atMs),
      offset: this.#position,
    };
    this.#position += LOCAL_HEAD_BYTES + encoded.length + content.length;
    this.#entries.push(entry);
    const end = this.#position + this.#directoryBytes() + END_BYTES;
    if (end > BYTES_MAX || this.#entries.length > ENTRIES_MAX || encoded.length > ENTRIES_MAX)
      throw new RangeError(
        `a zip has at most 4 GiB and ${ENTRIES_MAX} entries; save fewer spectra in one file`,
      );
    const head = new DataView(new ArrayBuffer(LOCAL_HEAD_BYTES));
    head.setUint32(0, LOCAL_SIGNATURE, true);
    head.setUint16(4, VERSION, true);
    describe(head, 6, entry);
    yield new Uint8Array(head.buffer);
    yield encoded;
    yield content;
  }

  /** The directory, which ends the archive. */
  end(): Uint8Array {
    const bytes = new Uint8Array(this.#directoryBytes() + END_BYTES);
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const entry of this.#entries) {
      view.setUint32(at, CENTRAL_SIGNATURE, true);
      view.setUint16(at + 4, VERSION, true);
      view.setUint16(at + 6, VERSION, true);
      describe(view, at + 8, entry);
      view.setUint32(at + 42, entry.offset, true);
      bytes.set(entry.name, at + CENTRAL_HEAD_BYTES);
      at += CENTRAL_HEAD_BYTES + entry.name.length;
    }
    view.setUint32(at, END_SIGNATURE, true);
    view.setUint16(at + 8, this.#entries.length, true);
    view.setUint16(at + 10, this.#entries.length, true);
    view.setUint32(at + 12, at, true);
    view.setUint32(at + 16, this.#position, true);
    return bytes;
  }

  #directoryBytes(): number {
    return this.#entries.reduce((sum, { name }) => sum + CENTRAL_HEAD_BYTES + name.length, 0);
  }
}

/** What both heads of an entry have in common, from the flags to the length of the name. */
function describe(view: DataView, at: number, { name, crc, bytes, dosTime }: Entry): void {
  view.setUint16(at, UTF_8_NAMES, true);
  view.setUint32(at + 4, dosTime, true);
  view.setUint32(at + 8, crc, true);
  view.setUint32(at + 12, bytes, true);
  view.setUint32(at + 16, bytes, true);
  view.setUint16(at + 20, name.length, true);
}

/** Date and time in the two 16-bit words of DOS, in UTC. */
function dosTimeOf(atMs: number): number {
  const time = new Date(atMs);
  const years = time.getUTCFullYear() - FIRST_YEAR;
  if (!(years >= 0 && years < 128)) return (1 << 21) | (1 << 16);
  const date = (years << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  const clock =
    (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | Math.floor(time.getUTCSeconds() / 2);
  return ((date << 16) | clock) >>> 0;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
