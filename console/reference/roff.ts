/**
 * Words and paragraphs of manual pages: text with the characters escaped that groff interprets.
 *
 * `man-pages.ts` uses it. Source: groff_man(7), groff_char(7). Pure.
 */

/** Text of a line; a minus is one that can be copied into a shell. */
export function roff(text: string): string {
  const escaped = text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll("'", String.raw`\(aq`)
    .replaceAll('`', String.raw`\(ga`)
    .replaceAll('^', String.raw`\(ha`)
    .replaceAll('~', String.raw`\(ti`)
    .replaceAll('…', '...');
  // At the beginning of a line a dot begins a request.
  return escaped.startsWith('.') ? String.raw`\&${escaped}` : escaped;
}

export function bold(text: string): string {
  return String.raw`\fB${roff(text)}\fR`;
}

export function italic(text: string): string {
  return String.raw`\fI${roff(text)}\fR`;
}

export function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`.SH ${roff(title.toUpperCase())}`, ...lines];
}

/** A term with its meaning below it; both are roff already. */
export function entry(term: string, meaning: string): readonly string[] {
  return ['.TP', term, meaning];
}

/** Lines that are shown as they are. */
export function literal(lines: readonly string[]): readonly string[] {
  return ['.PP', '.RS 4', '.EX', ...lines.map(roff), '.EE', '.RE'];
}
