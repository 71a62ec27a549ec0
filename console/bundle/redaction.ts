/**
 * Removes secrets from texts that a user sends to others: the known ones, and whatever looks like
 * one. `bundle.ts` passes every text through it. Pure.
 */
const REMOVED = '[removed]';
/** Shorter values would remove words; the servers take no secret with less than 16 characters. */
const SECRET_CHARACTERS_MIN = 8;
/** Tokens, proofs and keys, in hexadecimal digits, base64 or as parts of an address. */
const PATTERNS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b[0-9a-f]{32,}\b/gi,
  /(?<![A-Za-z0-9+_/-])[A-Za-z0-9+_-]{40,}={0,2}/g,
  /(?<=\bBearer )[^\s"']+/gi,
  /(?<=:\/\/)[^\s/@"']+(?=@)/g,
  /(?<=\b(?:token|secret|password|passwd|api[_-]?key)["']?\s*[=:]\s*["']?)(?!\/)[^\s"',&}]+/gi,
];
/** Members whose values are secrets or may contain them; paths of files with secrets are none. */
const SECRET_MEMBER = /token|secret|password|passwd|credential|url|key/i;
const ARGUMENT_MEMBERS = new Set(['args', 'arguments']);

export class Redaction {
  readonly #known: readonly string[];

  /** `secrets`: texts of files with secrets, of which each line is one. */
  constructor(secrets: readonly string[]) {
    const lines = secrets.flatMap((text) => text.split('\n')).map((line) => line.trim());
    const known = lines
      .filter((line) => line.length >= SECRET_CHARACTERS_MIN)
      // As it is, in a line of JSON, and in an address.
      .flatMap((line) => [line, JSON.stringify(line).slice(1, -1), encodeURIComponent(line)]);
    // The longest first, since one may be the beginning of another.
    this.#known = [...new Set(known)].sort((a, b) => b.length - a.length);
  }

  text(text: string): string {
    const withoutKnown = this.#known.reduce((rest, secret) => rest.replaceAll(secret, REMOVED), text);
    return PATTERNS.reduce((rest, pattern) => rest.replaceAll(pattern, REMOVED), withoutKnown);
  }

  /**
   * A value of JSON without secrets: arguments of programs, and members whose name indicates a
   * secret, unless they are absolute paths.
   */
  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    const entries = Object.entries(value).map(([key, member]: [string, unknown]) => {
      if (ARGUMENT_MEMBERS.has(key)) return [key, REMOVED];
      const isSecret = typeof member === 'string' && SECRET_MEMBER.test(key) && !member.startsWith('/');
      return [key, isSecret ? REMOVED : this.value(member)];
    });
    return Object.fromEntries(entries) as unknown;
  }
}
