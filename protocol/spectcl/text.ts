/**
 * Text of SpecTcl: bytes without a declared encoding, in practice UTF-8 or Latin-1. Decodes and
 * encodes it, for the files of this folder. Pure.
 */

const strict = new TextDecoder('utf-8', { fatal: true });

/** Decodes valid UTF-8 as UTF-8 and all other bytes as Latin-1. Never throws. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

/** Decodes a NUL-terminated field: the bytes before the first NUL, or all of them without one. */
export function decodeField(field: Uint8Array): string {
  const end = field.indexOf(0);
  return decodeText(end < 0 ? field : field.subarray(0, end));
}

/**
 * Writes text as UTF-8 into a NUL-terminated field and clears its rest. Text that does not fit is
 * truncated between two characters.
 */
export function encodeField(field: Uint8Array, text: string): void {
  field.fill(0);
  new TextEncoder().encodeInto(text, field.subarray(0, field.byteLength - 1));
}
