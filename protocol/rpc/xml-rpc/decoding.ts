/**
 * The deserializer of the package `xmlrpc`, made strict and synchronous for the codec: it accepts
 * well-formed XML only, throws one error at the first mistake (the package calls callbacks twice or
 * never), accepts exact number texts only, and never changes the prototype of a struct. Pure.
 */
import Deserializer from 'xmlrpc/lib/deserializer.js';
import { describeError, MirrorflowError } from '../../base/errors.js';
import { parseDateTime } from './date-time.js';
import { DocumentGrammar, parseError } from './document-grammar.js';
import { FORBIDDEN_IN_XML, setMember } from './values.js';

const INTEGER = /^[+-]?\d{1,20}$/;
const DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

const ENTITIES = Object.assign(Object.create(null) as Record<string, string>, {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
});

export class StrictDeserializer extends Deserializer {
  readonly #grammar: DocumentGrammar;

  constructor(root: 'methodCall' | 'methodResponse') {
    super();
    this.#grammar = new DocumentGrammar(root);
    const parser = this.parser._parser;
    parser.strict = true;
    parser.noscript = true;
    // sax's own table also contains the members of Object.prototype.
    parser.ENTITIES = ENTITIES;
  }

  override onOpentag(node: { name: string }): void {
    this.#grammar.open(node.name);
    super.onOpentag({ name: node.name.toUpperCase() });
  }

  override onClosetag(name: string): void {
    this.#grammar.close(name);
    super.onClosetag(name.toUpperCase());
  }

  override onText(text: string): void {
    if (!this.#grammar.acceptsText(text)) return;
    if (FORBIDDEN_IN_XML.test(text)) throw parseError('a character that XML forbids');
    super.onText(text);
  }

  override onCDATA(text: string): void {
    this.onText(text);
  }

  override onError(error: Error | string): void {
    if (error instanceof MirrorflowError) throw error;
    throw parseError(describeError(error).replaceAll('\n', ', '));
  }

  /**
   * The base class converts a fault into an Error without the extra members that the codec needs.
   */
  override onDone(): void {
    if (this.responseType === 'fault') this.callback?.(undefined, this.stack);
    else super.onDone();
  }

  override endInt(data: string): void {
    const value = Number(data.trim());
    if (!INTEGER.test(data.trim()) || !Number.isSafeInteger(value)) {
      throw parseError(`${JSON.stringify(data.slice(0, 40))} is not an integer within 53 bits`);
    }
    this.#typed(value);
  }

  override endI8(data: string): void {
    this.endInt(data);
  }

  override endDouble(data: string): void {
    const value = Number(data.trim());
    if (!DOUBLE.test(data.trim()) || !Number.isFinite(value)) {
      throw parseError(`${JSON.stringify(data.slice(0, 40))} is not a finite number`);
    }
    this.#typed(value);
  }

  override endNil(_data: string): void {
    throw parseError('nil is not supported; omit the struct member or the last parameters');
  }

  override endDateTime(data: string): void {
    const date = parseDateTime(data);
    if (date === undefined) throw parseError(`${JSON.stringify(data.slice(0, 40))} is not a date and time`);
    this.#typed(date);
  }

  override endBase64(data: string): void {
    const compact = data.replace(/[ \t\r\n]+/g, '');
    if (!BASE64.test(compact)) throw parseError('a base64 value contains other characters');
    this.#typed(new Uint8Array(Buffer.from(compact, 'base64')));
  }

  override endStruct(_data: string): void {
    const { stack } = this;
    const mark = this.marks.pop() ?? 0;
    const struct: { [key: string]: unknown } = {};
    // The grammar ensures that names and values alternate.
    for (let index = mark; index < stack.length; index += 2) {
      const name = String(stack[index]);
      if (Object.hasOwn(struct, name)) {
        throw parseError(`a struct has the member ${JSON.stringify(name.slice(0, 80))} twice`);
      }
      setMember(struct, name, stack[index + 1]);
    }
    stack.length = mark;
    this.#typed(struct);
  }

  /** Forgets a plain document: the next one begins. The XML parser takes part in none of them. */
  reset(): void {
    this.type = null;
    this.responseType = null;
    this.methodname = null;
    this.callback = null;
    this.stack = [];
    this.marks = [];
    this.data = [];
    this.value = false;
  }

  #typed(value: unknown): void {
    this.push(value);
    this.value = false;
  }
}
