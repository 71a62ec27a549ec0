/**
 * The package's deserializer made strict and synchronous: well-formed XML only, one error thrown at
 * the first fault instead of callbacks that come twice or never, exact texts of numbers, no
 * prototype of a struct touched.
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
    // sax's own table also answers to the names of Object.prototype's members.
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
    if (!this.#grammar.takesText(text)) return;
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
   * The base turns a fault into an Error that has lost the extra members; the codec reads the
   * struct itself.
   */
  override onDone(): void {
    if (this.responseType === 'fault') this.callback?.(undefined, this.stack);
    else super.onDone();
  }

  override endInt(data: string): void {
    const value = Number(data.trim());
    if (!INTEGER.test(data.trim()) || !Number.isSafeInteger(value)) {
      throw parseError(`${JSON.stringify(data.slice(0, 40))} is no integer within 53 bits`);
    }
    this.#typed(value);
  }

  override endI8(data: string): void {
    this.endInt(data);
  }

  override endDouble(data: string): void {
    const value = Number(data.trim());
    if (!DOUBLE.test(data.trim()) || !Number.isFinite(value)) {
      throw parseError(`${JSON.stringify(data.slice(0, 40))} is no finite number`);
    }
    this.#typed(value);
  }

  override endNil(_data: string): void {
    throw parseError('nil is not used here; leave the struct member or the last parameters out');
  }

  override endDateTime(data: string): void {
    const date = parseDateTime(data);
    if (date === undefined) throw parseError(`${JSON.stringify(data.slice(0, 40))} is no date and time`);
    this.#typed(date);
  }

  override endBase64(data: string): void {
    const compact = data.replace(/[ \t\r\n]+/g, '');
    if (!BASE64.test(compact)) throw parseError('a base64 value with other characters');
    this.#typed(new Uint8Array(Buffer.from(compact, 'base64')));
  }

  override endStruct(_data: string): void {
    const mark = this.marks.pop() ?? 0;
    const items = this.stack.splice(mark);
    const struct: { [key: string]: unknown } = {};
    // The grammar has seen to it that names and values alternate.
    for (let index = 0; index < items.length; index += 2) {
      const name = String(items[index]);
      if (Object.hasOwn(struct, name)) throw parseError(`member ${JSON.stringify(name.slice(0, 80))} twice`);
      setMember(struct, name, items[index + 1]);
    }
    this.#typed(struct);
  }

  #typed(value: unknown): void {
    this.push(value);
    this.value = false;
  }
}
