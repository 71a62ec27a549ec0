import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ProviderClaim } from '../../../duplicator/serving/provider-claim.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import { LINK_VERSION, MessageKind, type Hello } from '../../../protocol/flow/signal-link/messages.js';

const HELLO: Hello = { role: 'provider', delivery: 'lossless', start: 'latest', version: LINK_VERSION };
const SLOTS = 8;

describe('the seat of a provider', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  let files = 0;
  let file: FlowFile;
  let writer: RingWriter;
  let slowest: number;
  let seat: ProviderClaim;
  /** What is left for the end of the turn. */
  let turn: (() => void)[];
  let said: [kind: number, value: number, detail: number][];

  beforeEach(() => {
    file = createFlowFile({
      path: join(directory, `flow${(files += 1)}`),
      identity: { application: 'test', flow: 'numbers', type: 'bytes', properties: {} },
      slotCount: SLOTS,
      payloadCapacity: 64,
      flags: 0,
      epoch: 1,
      mode: 0o600,
    });
    writer = new RingWriter(file);
    slowest = Number.POSITIVE_INFINITY;
    turn = [];
    seat = new ProviderClaim(
      file,
      () => slowest,
      (action) => turn.push(action),
    );
    said = [];
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  function link(): LinkConnection {
    return {
      signal: (kind: number, value: number, detail = 0) => said.push([kind, value, detail]),
    } as unknown as LinkConnection;
  }

  function write(count: number): void {
    for (let buffer = 0; buffer < count; buffer += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    writer.publish();
  }

  const granted = (): number => file.granted;

  it('is taken by one at a time; the next continues the sequences under a generation of its own', () => {
    const first = link();
    expect(seat.take(first, HELLO)).to.equal(true);
    expect(seat.take(link(), HELLO)).to.equal(false);
    write(3);
    expect(seat.published(3)).to.equal(true);
    seat.finish();
    expect(seat.leave()).to.equal(true);
    expect(seat.take(link(), HELLO)).to.equal(true);
    const begins = said.filter(([kind]) => kind === MessageKind.BEGIN);
    expect(begins).to.deep.equal([
      [MessageKind.BEGIN, 0, 1],
      [MessageKind.BEGIN, 3, 2],
    ]);
    expect(seat.leave()).to.equal(false); // without a word
  });

  it('grants a ring beyond the slowest lossless consumer, and refuses what cannot have been published', () => {
    seat.take(link(), HELLO);
    slowest = 0;
    expect(granted()).to.equal(SLOTS);
    write(SLOTS);
    expect(seat.published(SLOTS)).to.equal(true);
    expect(granted()).to.equal(SLOTS);
    expect(seat.published(SLOTS + 1)).to.equal(false);
    expect(seat.published(SLOTS - 1)).to.equal(false);
    slowest = 3;
    seat.update();
    expect(granted()).to.equal(SLOTS + 3);
    expect(said.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS + 3, 0]);
  });

  it('notes in the file what it has heard, and answers a provider that looks there only where it must', () => {
    const heard = (): number => file.heard;
    const answers = (count: number): typeof said => {
      said = [];
      seat.published(count);
      seat.answer(true);
      return said;
    };
    seat.take(link(), HELLO);
    slowest = 0;
    write(1);
    expect(answers(1), 'nothing that it waits for').to.deep.equal([]);
    expect(heard()).to.equal(1);
    write(2);
    expect(answers(2), 'it has published more').to.deep.equal([[MessageKind.CREDIT, SLOTS, 0]]);
    expect(heard()).to.equal(2);
    slowest = 2;
    expect(answers(3), 'a quarter of the ring more than it was told').to.deep.equal([
      [MessageKind.CREDIT, SLOTS + 2, 0],
    ]);
    write(SLOTS - 1);
    expect(answers(SLOTS + 2), 'it may wait for credit').to.deep.equal([[MessageKind.CREDIT, SLOTS + 2, 0]]);
  });

  it('takes credit back for a lossless consumer that joins, so that it finds the whole ring', () => {
    seat.take(link(), HELLO);
    write(5);
    seat.published(5);
    expect(granted()).to.equal(5 + SLOTS);
    expect(seat.oldest(0, false)).to.equal(0);
    expect(granted()).to.equal(5 + SLOTS);
    expect(seat.oldest(0, true)).to.equal(0);
    expect(granted()).to.equal(SLOTS);
    expect(said.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS, 0]);
    expect(seat.oldest(3, true)).to.equal(3);
    expect(granted(), 'never more than before').to.equal(SLOTS);
  });

  it('gives a consumer nothing that the provider has begun to overwrite, or has overwritten unpublished', () => {
    seat.take(link(), HELLO);
    write(SLOTS);
    seat.published(SLOTS);
    writer.begin();
    writer.commit(1, 0);
    writer.begin();
    expect(seat.oldest(0, true)).to.equal(2);
    expect(granted()).to.equal(SLOTS + 2);
    writer.abandon();
    expect(seat.oldest(0, true)).to.equal(1);
  });

  it('sees the slots that a provider has opened ahead as gone, and finds them again when it gives them back', () => {
    seat.take(link(), HELLO);
    write(SLOTS);
    seat.published(SLOTS);
    writer.open(3);
    expect(seat.oldest(0, true)).to.equal(3);
    expect(granted(), 'what is open may be written').to.equal(SLOTS + 3);
    writer.giveBack(SLOTS + 1);
    expect(seat.oldest(0, true)).to.equal(1);
    expect(granted()).to.equal(SLOTS + 1);
  });

  it('counts what a provider published that died before it could say so', () => {
    seat.take(link(), HELLO);
    write(4);
    seat.leave();
    seat.take(link(), HELLO);
    expect(said.filter(([kind]) => kind === MessageKind.BEGIN).at(-1)).to.deep.equal([
      MessageKind.BEGIN,
      4,
      2,
    ]);
  });

  it('tells a provider that waits of small credits together, and of the last one at once', () => {
    slowest = 0;
    seat.take(link(), HELLO);
    write(SLOTS);
    seat.published(SLOTS);
    seat.answer();
    said = [];
    slowest = 1; // less than a quarter of the ring
    seat.update();
    expect([said, turn.length]).to.deep.equal([[], 1]);
    slowest = 2;
    seat.update();
    expect(said).to.deep.equal([[MessageKind.CREDIT, SLOTS + 2, 0]]); // a quarter
    for (const action of turn.splice(0)) action();
    expect(said).to.have.length(1); // it knows that already
    write(2);
    seat.published(SLOTS + 2);
    slowest = 3;
    seat.update();
    seat.update();
    expect(turn).to.have.length(1);
    for (const action of turn.splice(0)) action();
    expect(said.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS + 3, 0]);
    write(1);
    seat.published(SLOTS + 3);
    slowest = SLOTS + 2;
    seat.update();
    write(SLOTS - 1);
    seat.published(2 * SLOTS + 2);
    said = [];
    slowest = 2 * SLOTS + 2; // nobody has anything left to read: no more credit will come
    seat.update();
    expect([said, turn]).to.deep.equal([[[MessageKind.CREDIT, 3 * SLOTS + 2, 0]], []]);
  });
});
