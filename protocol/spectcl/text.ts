/**
 * Text as SpecTcl leaves it behind: bytes without a stated encoding, in practice UTF-8 or Latin-1.
 */

const strict = new TextDecoder('utf-8', { fatal: true });

/** The bytes as UTF-8 where they are valid UTF-8, and as Latin-1 otherwise. Never throws. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** A NUL-terminated field: what stands before the first NUL, or all of it when there is none. */
export function decodeField(field: Uint8Array): string {
  const end = field.indexOf(0);
  return decodeText(end < 0 ? field : field.subarray(0, end));
}

/**
 * Writes text as UTF-8 into a NUL-terminated field and clears the rest of it. Text that does not
 * fit is cut between two characters, never inside one.
 */
export function encodeField(field: Uint8Array, text: string): void {
  field.fill(0);
  new TextEncoder().encodeInto(text, field.subarray(0, field.byteLength - 1));
}
