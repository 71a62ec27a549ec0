/**
 * The flow type `json`: one JSON value per buffer, UTF-8, without metadata. Part of the public
 * surface; input and output flows call its codec. Pure: no I/O.
 */
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { checkOptionNames, showValue } from '../call-options.js';
import { checkRoom } from './bytes.js';
import type { FlowType, Layer } from './flow-type.js';
import { TypedBuffer } from './typed-buffer.js';

/** Options of `json`. */
export interface JsonOptions<T> {
  /**
   * Turns the JSON value of a buffer into a T, and throws when it is none: what it throws becomes
   * the buffer's error. Default: every JSON value is accepted as a T.
   */
  readonly parse?: (value: unknown) => T;
}

/** A buffer of a JSON flow: `value` is parsed once, on first access. */
export class JsonBuffer<T> extends TypedBuffer<T> {
  readonly #parse: ((value: unknown) => T) | undefined;

  constructor(below: Layer, parse?: (value: unknown) => T) {
    super(below);
    this.#parse = parse;
  }

  protected interpret(bytes: Uint8Array): T {
    const value: unknown = JSON.parse(UTF_8.decode(bytes));
    return this.#parse === undefined ? (value as T) : this.#parse(value);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/**
 * The type of a flow of JSON values. Writing throws BAD_OPTION for values that JSON cannot
 * represent (undefined, a BigInt, a cycle). Throws BAD_OPTION.
 */
export function json<T = unknown>(options: JsonOptions<T> = {}): FlowType<T, JsonBuffer<T>> {
  checkOptionNames('json', options, ['parse'], { check: 'parse' });
  const { parse } = options;
  if (parse !== undefined && typeof parse !== 'function') {
    throw new MirrorflowError('BAD_OPTION', `parse is ${showValue(parse)}; it must be a function`, {
      option: 'parse',
    });
  }
  return {
    name: 'json',
    metadataBytes: 0,
    encode(value, target) {
      const text = textOf(value);
      const { read, written } = ENCODER.encodeInto(text, target);
      if (read < text.length) checkRoom(Buffer.byteLength(text), target.length);
      return written;
    },
    decode: (below) => new JsonBuffer(below, parse),
  };
}

function textOf(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the value cannot be written as JSON: ${describeError(error)}`,
      {},
      error,
    );
  }
  if (text !== undefined) return text;
  throw new MirrorflowError('BAD_OPTION', `a value of type ${typeof value} cannot be written as JSON`);
}
