/**
 * Reads XML-RPC documents in their plain form, which nearly all have: elements without attributes,
 * every value with its type, no comments, no CDATA, and no entities but those that our encoder
 * writes. It drives the deserializer of the package `xmlrpc`, in place of the package's XML parser,
 * which takes several times as long. Every other document, and every wrong one, is left to that
 * parser, whose errors name the mistake. Used by `codec.ts`. Pure.
 */
import { LIMITS } from '../../base/limits.js';
import type { StrictDeserializer } from './decoding.js';

const DECLARATION = /<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"UTF-8"|'UTF-8'))?\?>/iy;
const ENTITY = /&(amp|lt|gt|#xD);/g;
const CHARACTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', '#xD': '\r' };

const LETTER_A = 0x61;
const LETTER_B = 0x62;
const LETTER_D = 0x64;
const LETTER_I = 0x69;
const LETTER_S = 0x73;
/** Space, tab, line feed and carriage return are the only characters up to it that XML allows. */
const SPACE = 0x20;

/** Thrown and caught in this file only. */
const NOT_PLAIN = new Error('not a plain document');

export class PlainDocument {
  readonly #builder: StrictDeserializer;
  readonly #text: string;
  readonly #hasEntities: boolean;
  #at = 0;

  /** `text`: without characters that XML forbids. `builder`: a fresh one, which gets the values. */
  constructor(text: string, builder: StrictDeserializer) {
    this.#text = text;
    this.#hasEntities = text.indexOf('&') >= 0;
    this.#builder = builder;
  }

  /** Reads the whole document; false if it is not plain, and then the builder is of no use. */
  read(root: 'methodCall' | 'methodResponse'): boolean {
    try {
      DECLARATION.lastIndex = 0;
      if (DECLARATION.test(this.#text)) this.#at = DECLARATION.lastIndex;
      if (root === 'methodCall') this.#call();
      else this.#response();
      this.#skipBlanks();
      return this.#at === this.#text.length;
    } catch {
      // Also the errors of values: the package's parser finds the same one, with its place.
      return false;
    }
  }

  #call(): void {
    this.#expect('<methodCall>');
    this.#expect('<methodName>');
    this.#builder.endMethodName(this.#textBefore('</methodName>'));
    if (this.#accept('<params>')) this.#params();
    this.#expect('</methodCall>');
    this.#builder.endMethodCall('');
  }

  #response(): void {
    this.#expect('<methodResponse>');
    if (this.#accept('<fault>')) {
      this.#value(0);
      this.#expect('</fault>');
      this.#builder.endFault('');
    } else {
      this.#expect('<params>');
      this.#params();
    }
    this.#expect('</methodResponse>');
    this.#builder.endMethodResponse('');
  }

  #params(): void {
    while (this.#accept('<param>')) {
      this.#value(0);
      this.#expect('</param>');
    }
    this.#expect('</params>');
    this.#builder.endParams('');
  }

  #value(depth: number): void {
    this.#expect('<value>');
    const builder = this.#builder;
    switch (this.#text.charCodeAt(this.#at + 1)) {
      case LETTER_S:
        if (this.#continues('<string>')) builder.endString(this.#textBefore('</string></value>'));
        else this.#struct(depth + 1);
        return;
      case LETTER_I:
        if (this.#continues('<int>')) builder.endInt(this.#textBefore('</int></value>'));
        else if (this.#continues('<i4>')) builder.endInt(this.#textBefore('</i4></value>'));
        else throw NOT_PLAIN;
        return;
      case LETTER_D:
        if (this.#continues('<double>')) builder.endDouble(this.#textBefore('</double></value>'));
        else if (this.#continues('<dateTime.iso8601>'))
          builder.endDateTime(this.#textBefore('</dateTime.iso8601></value>'));
        else throw NOT_PLAIN;
        return;
      case LETTER_B:
        if (this.#continues('<boolean>')) builder.endBoolean(this.#textBefore('</boolean></value>'));
        else if (this.#continues('<base64>')) builder.endBase64(this.#textBefore('</base64></value>'));
        else throw NOT_PLAIN;
        return;
      case LETTER_A:
        this.#array(depth + 1);
        return;
      default:
        throw NOT_PLAIN;
    }
  }

  #struct(depth: number): void {
    const builder = this.#builder;
    this.#begin('<struct>', depth);
    while (this.#accept('<member>')) {
      this.#expect('<name>');
      builder.endString(this.#textBefore('</name>'));
      this.#value(depth);
      this.#expect('</member>');
    }
    this.#expect('</struct>');
    builder.endStruct('');
    if (!this.#continues('</value>')) throw NOT_PLAIN;
  }

  #array(depth: number): void {
    const builder = this.#builder;
    this.#begin('<array>', depth);
    this.#expect('<data>');
    while (this.#text.startsWith('<value>', this.#skipBlanks())) this.#value(depth);
    this.#expect('</data>');
    this.#expect('</array>');
    builder.endArray('');
    if (!this.#continues('</value>')) throw NOT_PLAIN;
  }

  /** Begins an array or struct: the values from here on are its own. */
  #begin(tag: string, depth: number): void {
    if (!this.#continues(tag) || depth > LIMITS.rpcDepthLevels) throw NOT_PLAIN;
    this.#builder.marks.push(this.#builder.stack.length);
  }

  /** The text up to this tag, which must be the next one. */
  #textBefore(tag: string): string {
    const start = this.#at;
    const end = this.#text.indexOf('<', start);
    if (end < 0 || !this.#text.startsWith(tag, end)) throw NOT_PLAIN;
    this.#at = end + tag.length;
    const content = this.#text.slice(start, end);
    return this.#hasEntities ? unescapeText(content) : content;
  }

  /** Passes this tag, and blanks before it, which must come next. */
  #expect(tag: string): void {
    if (!this.#accept(tag)) throw NOT_PLAIN;
  }

  /** Passes this tag and blanks before it, if it comes next. */
  #accept(tag: string): boolean {
    this.#skipBlanks();
    return this.#continues(tag);
  }

  /** Passes these characters if they come next. */
  #continues(tag: string): boolean {
    if (!this.#text.startsWith(tag, this.#at)) return false;
    this.#at += tag.length;
    return true;
  }

  #skipBlanks(): number {
    while (this.#text.charCodeAt(this.#at) <= SPACE) this.#at += 1;
    return this.#at;
  }
}

function unescapeText(content: string): string {
  if (!content.includes('&')) return content;
  const withoutEntities = content.replaceAll(ENTITY, '');
  if (withoutEntities.includes('&')) throw NOT_PLAIN;
  return content.replaceAll(ENTITY, (_, name: string) => CHARACTERS[name] ?? '');
}
