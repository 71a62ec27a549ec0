/**
 * Mutations that no test can notice, found by hand, each with the reason: the changed program does
 * the same as the original, or differs only in speed or in what people read. Used by the mutation
 * run, which does not count them. Pure.
 */
import type { MutationResult } from './results.js';

export interface Equivalent {
  readonly module: string;
  /** The lines as the report shows them. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    module: 'protocol/rpc/xml-rpc/connect-session.js',
    before: "socket.off('connect', done);",
    after: ';',
    why: 'a socket emits connect once, before this line or never',
  },
  {
    module: 'protocol/rpc/xml-rpc/codec.js',
    before: "throw parseError('the call is incomplete');",
    after: ';',
    why: 'the grammar refuses an incomplete call before: the line tells the compiler so',
  },
  {
    module: 'protocol/rpc/xml-rpc/document-grammar.js',
    before: 'if (top?.name !== name)',
    after: 'if (false)',
    why: 'the strict parser refuses a closing tag that does not match before the grammar sees it',
  },
  {
    module: 'protocol/flow/flow-file/ring-reader.js',
    before: 'timestampNs = 0;',
    after: 'timestampNs = 1;',
    why: 'defined only after a buffer was ready, which stores it',
  },
  {
    module: 'duplicator/serving/provider-claim.js',
    before: 'this.#sendScheduled = true;',
    after: ';',
    why: 'a second action at the end of the turn finds nothing left to send',
  },
  {
    module: 'protocol/flow/flow-file/words.js',
    before: 'if (PLAIN_STORES_ARE_ORDERED)',
    after: 'if (true)',
    why: 'true on every machine with x86; elsewhere the litmus programs notice it',
  },
  {
    module: 'protocol/flow/wire/frame-reader.js',
    before: '#aheadFilled = 0;',
    after: '#aheadFilled = 1;',
    why: 'stored again together with the place that it counts in, before it is read',
  },
  {
    module: 'protocol/rpc/xml-rpc/plain-document.js',
    before: "this.#expect('<methodCall>');",
    after: ';',
    why: 'without it every call is left to the XML parser, which reads the same values, slower',
  },
  {
    module: 'protocol/rpc/security/peer-addresses.js',
    before: 'isIP(host) !== 0',
    after: 'isIP(host) !== 1',
    why: 'a name among the stated addresses equals no address of a connection',
  },
  {
    module: 'protocol/rpc/security/record-reader.js',
    before: '#bytes = Buffer.alloc(0);',
    after: '#bytes = Buffer.alloc(1);',
    why: 'the first bytes replace it, whatever its size',
  },
  {
    module: 'client-lib/input/history/history-producer.js',
    before: 'this.#segments.splice(at, 1);',
    after: ';',
    why: 'a freed segment is passed over, since its buffers are never all retired again; it only stays in memory',
  },
  {
    module: 'duplicator/serving/consumer-registry.js',
    before: 'return (this.#lastId += 1);',
    after: 'return (this.#lastId += 2);',
    why: 'a number that was not used yet; their distances have no meaning',
  },
  {
    module: 'protocol/rpc/xml-rpc/session.js',
    before: "if (this.#state === 'closed')",
    after: 'if (false)',
    why: 'a second end finds no call to reject, and a stream that is destroyed',
  },
  {
    module: 'duplicator/serving/hosted-flow.js',
    before: 'const PROVIDER_LINKS = 64;',
    after: 'const PROVIDER_LINKS = 65;',
    why: 'any number of this order does',
  },
  {
    module: 'duplicator/serving/hosted-flow.js',
    before: 'if (inode !== undefined)',
    after: 'if (true)',
    why: 'releasePath removes no file of another inode, and none without one',
  },
  {
    module: 'protocol/flow/flow-file/ring-reader.js',
    before: '#epochLow = 0;',
    after: '#epochLow = 1;',
    why: 'the constructor stores it before it is read',
  },
  {
    module: 'protocol/flow/flow-file/image.js',
    before: 'if (previousSize > size)',
    after: 'if (previousSize >= size)',
    why: 'it fills no bytes then',
  },
  {
    module: 'duplicator/recovery/dead-file.js',
    before: 'if (fileBytes > COPY_BYTES_MAX || (fileBytes > WHOLE_BYTES_MAX && slotCount > SLOTS_MAX))',
    after: 'if (fileBytes > COPY_BYTES_MAX || (fileBytes <= WHOLE_BYTES_MAX && slotCount > SLOTS_MAX))',
    why: 'decides only which check is made, the quick one or that of the recovery program; both find the same',
  },
  {
    module: 'protocol/flow/wire/sealed-frame-reader.js',
    before: 'this.#wasLarge = true;',
    after: ';',
    why: 'chooses the size of the next read only',
  },
  {
    module: 'duplicator/serving/hosted-flow.js',
    before: "if (damage === 'removed')",
    after: 'if (true)',
    why: 'a truncated file is in its place, and nothing is put back',
  },
  {
    module: 'protocol/flow/wire/frame-reader.js',
    before: 'else if (this.#isDirect)',
    after: 'else if (false)',
    why: 'the bytes are then copied to where they are already',
  },
  {
    module: 'protocol/flow/wire/sealed-frame-reader.js',
    before: 'const SPARE_BYTES = 64 * 1024;',
    after: 'const SPARE_BYTES = 64 * 1025;',
    why: 'the size of one read; any of this order does',
  },
  {
    module: 'protocol/rpc/xml-rpc/connection-sorter.js',
    before: "socket.off('data', passOn);",
    after: ';',
    why: 'it is called once, and after close there are no data',
  },
  {
    module: 'protocol/rpc/xml-rpc/permanent-connection.js',
    before: "throw new MirrorflowError('CLOSED', 'the session ended during the presentation');",
    after: ';',
    why: 'the check behind it fails then, with other words',
  },
  {
    module: 'duplicator/serving/writer-credit.js',
    before: 'if (registry.slowest() + slotCount > next)',
    after: 'if (false)',
    why: 'saves the loop behind it, which finds none then',
  },
  {
    module: 'duplicator/recovery/consumer-presence.js',
    before: 'const process = pid === 0 ? undefined : identityOfProcess(pid);',
    after: 'const process = pid === 1 ? undefined : identityOfProcess(pid);',
    why: 'there is no process 0, and process 1 is no consumer',
  },
  {
    module: 'protocol/rpc/xml-rpc/plain-document.js',
    before: 'if (!this.#accept(tag))',
    after: 'if (true)',
    why: 'every document is left to the XML parser then, which reads the same values, slower',
  },
  {
    module: 'protocol/flow/flow-file/words.js',
    before: 'const high = words[index + 1] ?? 0;',
    after: 'const high = words[index + 1] ?? 1;',
    why: 'for the compiler only: the word is there',
  },
];

/** Why a mutation cannot be noticed; undefined when it must be. */
export function whyEquivalent({ module, before, after }: MutationResult): string | undefined {
  return EQUIVALENT.find(
    (known) => known.module === module && known.before === before && known.after === after,
  )?.why;
}
