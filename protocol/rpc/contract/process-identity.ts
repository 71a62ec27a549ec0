/**
 * The struct that identifies a process in XML-RPC calls and records. Used by the methods of the
 * contract and by `identity-on-wire.ts`. Pure.
 */
import { int, string, struct, type TypeOf } from '../xml-rpc/schema.js';

/** Identifies a process so that another one with a reused process id is not mistaken for it. */
export const processIdentity = struct({
  pid: int({ min: 1, doc: 'process id' }),
  startTicks: int({ min: 0, doc: 'start time in clock ticks since boot' }),
  bootId: string({ maxCharacters: 64, doc: "the kernel's boot id" }),
});

export type ProcessIdentity = TypeOf<typeof processIdentity>;
