/** Records with a MAC: their bytes, and what ends a connection. */
import { createHmac, hkdfSync } from 'node:crypto';
import { expect } from 'chai';
import { RecordReader } from '../../../../protocol/rpc/security/record-reader.js';
import { MAC_BYTES, protectionOf, lengthProblem } from '../../../../protocol/rpc/security/records.js';

const SECRET = Buffer.from('sixteen bytes or more');
const CHALLENGE = {
  channel: 'data',
  callerNonce: Buffer.alloc(32, 1),
  listenerNonce: Buffer.alloc(32, 2),
};
const caller = () => protectionOf(SECRET, CHALLENGE, 'caller');
const listener = () => protectionOf(SECRET, CHALLENGE, 'listener');

/** What a listener reads of these bytes: the contents, and the reason why it stopped. */
function read(bytes: readonly Uint8Array[], limitBytes = 100): [string[], string | undefined] {
  const reader = new RecordReader(listener().verifier, limitBytes);
  const contents: string[] = [];
  for (const chunk of bytes) {
    reader.push(chunk);
    for (let content = reader.next(); content !== undefined; content = reader.next())
      contents.push(content.toString());
  }
  return [contents, reader.problem];
}

describe('records between hosts', () => {
  it('a record has the documented bytes', () => {
    const { sealer } = caller();
    sealer.record(Buffer.from('first'));
    const record = sealer.record(Buffer.from('abc'));
    const salt = Buffer.concat([CHALLENGE.callerNonce, CHALLENGE.listenerNonce]);
    const key = Buffer.from(hkdfSync('sha256', SECRET, salt, 'mirrorflow 2 data caller', 32));
    const covered = Buffer.from(['01000000', '0100000000000000', '03000000', '616263'].join(''), 'hex');
    const mac = createHmac('sha256', key).update(covered).digest('hex');
    expect(record.toString('hex')).to.equal(`03000000616263${mac}`);
    // Computed by another implementation, Python's hmac.
    expect(record.toString('hex')).to.equal(FIXED);
  });

  it('records arrive in order and whole in pieces of any size', () => {
    const { sealer } = caller();
    const bytes = Buffer.concat(['one', 'two', 'three'].map((text) => sealer.record(Buffer.from(text))));
    for (let size = 1; size < bytes.length; size += 1) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(read(pieces)).to.deep.equal([['one', 'two', 'three'], undefined]);
    }
  });

  const records = (): Buffer[] => {
    const { sealer } = caller();
    return ['one', 'two'].map((text) => sealer.record(Buffer.from(text)));
  };
  const changed = (record: Buffer, at: number): Buffer => {
    const copy = Buffer.from(record);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };

  for (const [what, bytes, before] of [
    ['a changed content', ([one, two]) => [one, changed(two, 5)], ['one']],
    ['a changed MAC', ([one, two]) => [one, changed(two, two.length - 1)], ['one']],
    ['a repeated record', ([one]) => [one, one], ['one']],
    ['a record that was left out', ([, two]) => [two], []],
    ['records in another order', ([one, two]) => [two, one], []],
    ['a record of the reader itself', () => [listener().sealer.record(Buffer.from('one'))], []],
    [
      'a record of another connection',
      () => [
        protectionOf(SECRET, { ...CHALLENGE, callerNonce: Buffer.alloc(32, 9) }, 'caller').sealer.record(
          Buffer.from('one'),
        ),
      ],
      [],
    ],
    [
      'a record of another service',
      () => [
        protectionOf(SECRET, { ...CHALLENGE, channel: 'control' }, 'caller').sealer.record(
          Buffer.from('one'),
        ),
      ],
      [],
    ],
  ] as [string, (records: [Buffer, Buffer]) => Buffer[], string[]][]) {
    it(`${what} ends the connection`, () => {
      const [contents, problem] = read(bytes(records() as [Buffer, Buffer]));
      expect(contents).to.deep.equal(before);
      expect(problem).to.contain('does not have the MAC of its place');
    });
  }

  it('a length out of bounds ends the connection before any further byte', () => {
    for (const length of [0, 101, 0xffffffff]) {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(length);
      expect(read([head])[1]).to.equal(`a record claims ${length} bytes; 1 to 100 are allowed`);
    }
    expect(MAC_BYTES).to.equal(32);
  });

  it('a record has 1 to the permitted number of bytes', () => {
    expect([1, 2, 9, 10].map((length) => lengthProblem(length, 10))).to.deep.equal(
      Array.from({ length: 4 }, () => undefined),
    );
    for (const length of [0, 11])
      expect(lengthProblem(length, 10)).to.equal(`a record claims ${length} bytes; 1 to 10 are allowed`);
  });
});

const FIXED = '0300000061626327cd8b0ef463ea206f94df267b8592351d9c7b02a49669e26a870fd27711b6b9';
