/** The message that `rpc` sends. */
import type { Attributes } from 'mirrorflow';

export class Numbered {
  static readonly attributes = { number: 'number', title: 'string' } satisfies Attributes;
  number = 0;
  title = 'a message of a usual length';
}
