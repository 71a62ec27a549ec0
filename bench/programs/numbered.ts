/**
 * The message that `rpc` sends and `message-receiver` receives, as a class with typed attributes.
 */
import type { Attributes } from 'mirrorflow';

export class Numbered {
  static readonly attributes = { number: 'number', title: 'string' } satisfies Attributes;
  number = 0;
  title = 'a message of a usual length';
}
