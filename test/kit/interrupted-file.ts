/**
 * A flow file whose stores one participant makes visible one by one: before each of its stores a
 * function is called, in which a test lets other participants run, or throws, as a SIGSTOP or a
 * SIGKILL between two stores would. The file itself, and all other views of it, are unchanged. Used
 * by tests of the flow protocol. Pure memory access.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { HEADER, HEADER_BYTES, SLOT } from '../../protocol/flow/flow-file/layout.js';
import { Words } from '../../protocol/flow/flow-file/words.js';

/** A store that is about to happen: the operation, its byte offset in the file, and its value. */
export interface Store {
  readonly operation: string;
  readonly offset: number;
  readonly values: readonly number[];
}

/** Operations of Words that store; all others load. */
const STORES = /^(store|set|clear|complete|lower|exchange|raise)/;

/** A view of the file for one participant. `before` is called before each store to a word. */
export function interruptedFile(file: FlowFile, before: (store: Store) => void): FlowFile {
  const plain = new Words(file.bytes);
  const words = new Proxy(plain, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const operation = String(name);
      return (...args: number[]): unknown => {
        if (STORES.test(operation)) before({ operation, offset: args[0] ?? 0, values: args.slice(1) });
        return member.apply(target, args) as unknown;
      };
    },
  });
  return Object.create(file, { words: { value: words } }) as FlowFile;
}

/** The word of a store, by the names of the layout: `published`, or `sequence 3` for slot 3. */
export function wordOf({ geometry }: FlowFile, { offset }: Store): string {
  for (const [name, at] of Object.entries(HEADER)) if (at === offset) return name;
  const slot = Math.floor((offset - HEADER_BYTES) / geometry.slotStride);
  if (slot < 0) return `header ${offset}`;
  const within = (offset - HEADER_BYTES) % geometry.slotStride;
  const name = Object.entries(SLOT).find(([, at]) => at === within)?.[0] ?? String(within);
  return `${name} ${slot}`;
}
