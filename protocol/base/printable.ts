/**
 * Makes text from outside safe to quote: in an error, which may travel as XML, and in a text log,
 * which a terminal shows. Used where replies of a SpecTcl or port manager become errors, by reports
 * to a parent process, and by the text log. Pure.
 */

/** Line breaks and tabs, with the spaces around them. */
const BREAKS = /\s*[\t-\r\u0085\u2028\u2029]+\s*/gu;
/**
 * Characters to replace: controls, also those with which terminal escapes begin, lone surrogates,
 * characters that XML forbids, and formats that reverse the writing direction.
 */
// oxlint-disable-next-line no-control-regex -- the expression finds these characters
const NOT_PRINTABLE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu;

/** The text as one line: a break becomes a space, any other character to replace U+FFFD. */
export function printableText(text: string): string {
  return text.replace(BREAKS, ' ').replace(NOT_PRINTABLE, '\ufffd');
}
