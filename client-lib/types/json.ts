/**
 * The flow type `json`: one JSON value per buffer, UTF-8, without metadata. Part of the public
 * surface; input and output flows call its codec. Pure: no I/O.
 */
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { checkRoom } from './bytes.js';
import type { FlowType, Layer } from './flow-type.js';
import { TypedBuffer } from './typed-buffer.js';

export interface JsonOptions<T> {
  /**
   * Checks a parsed value and returns it with its type; what it throws becomes the buffer's error.
   * Default: every JSON value is accepted as a T.
   */
  readonly check?: (value: unknown) => T;
}

/** A buffer of a JSON flow: `value` is parsed once, on first access. */
export class JsonBuffer<T> extends TypedBuffer<T> {
  readonly #check: ((value: unknown) => T) | undefined;

  constructor(below: Layer, check?: (value: unknown) => T) {
    super(below);
    this.#check = check;
  }

  protected interpret(bytes: Uint8Array): T {
    const parsed: unknown = JSON.parse(UTF_8.decode(bytes));
    return this.#check === undefined ? (parsed as T) : this.#check(parsed);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/**
 * The type of a flow of JSON values. Writing throws BAD_OPTION for values that JSON cannot
 * represent (undefined, a BigInt, a cycle).
 */
export function json<T = unknown>({ check }: JsonOptions<T> = {}): FlowType<T, JsonBuffer<T>> {
  return {
    name: 'json',
    metadataBytes: 0,
    encode(value, target) {
      const text = textOf(value);
      const { read, written } = ENCODER.encodeInto(text, target);
      if (read < text.length) checkRoom(Buffer.byteLength(text), target.length);
      return written;
    },
    decode: (below) => new JsonBuffer(below, check),
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
