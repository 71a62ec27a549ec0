/**
 * Message classes with a number, which tests send between clients. Used by the tests of messages.
 * Pure.
 */
import type { Attributes } from '../../../client-lib/index.js';

/** Records its state when it is invoked at the receiver. */
export class Invoked {
  static readonly attributes = { number: 'number' } satisfies Attributes;
  static readonly seen: number[] = [];
  number = 0;

  static of(number: number): Invoked {
    const message = new Invoked();
    message.number = number;
    return message;
  }

  invoke(): void {
    Invoked.seen.push(this.number);
    if (this.number < 0) throw new Error('a negative number');
  }
}

/** Has a number that tells it from the others. */
export class Numbered {
  static readonly attributes = { number: 'number' } satisfies Attributes;
  number = 0;

  static of(number: number): Numbered {
    const message = new Numbered();
    message.number = number;
    return message;
  }
}
