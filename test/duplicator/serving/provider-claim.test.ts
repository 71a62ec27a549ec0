/** Tests the claim of a flow's one provider and its credit, on a flow file without a socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ProviderClaim } from '../../../duplicator/serving/provider-claim.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import { LINK_VERSION, MessageKind, type Hello } from '../../../protocol/flow/signal-link/messages.js';

const HELLO: Hello = { role: 'provider', delivery: 'lossless', start: 'latest', version: LINK_VERSION };
const SLOTS = 8;

describe('ProviderClaim', () => {
  let directory: string;
  let files = 0;
  let file: FlowFile;
  let writer: RingWriter;
  let slowest: number;
  let claim: ProviderClaim;
  /** Actions that were scheduled for the end of the turn. */
  let scheduled: (() => void)[];
  let sent: [kind: number, value: number, detail: number][];

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });

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
    scheduled = [];
    claim = new ProviderClaim(
      file,
      () => slowest,
      (action) => scheduled.push(action),
    );
    sent = [];
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  function link(): LinkConnection {
    return {
      signal: (kind: number, value: number, detail = 0) => sent.push([kind, value, detail]),
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

  it('one client at a time has the claim; the next continues the sequences under a new generation', () => {
    const first = link();
    expect(claim.take(first, HELLO)).to.equal(true);
    expect(claim.take(link(), HELLO)).to.equal(false);
    write(3);
    expect(claim.published(3)).to.equal(true);
    claim.leave();
    expect(claim.take(link(), HELLO)).to.equal(true);
    const begins = sent.filter(([kind]) => kind === MessageKind.BEGIN);
    expect(begins).to.deep.equal([
      [MessageKind.BEGIN, 0, 1],
      [MessageKind.BEGIN, 3, 2],
    ]);
  });

  it('a provider that reattaches keeps its generation, unless another one came since', () => {
    const generations = (): number[] =>
      sent.filter(([kind]) => kind === MessageKind.BEGIN).map(([, , generation]) => generation);
    claim.take(link(), HELLO);
    claim.leave();
    claim.take(link(), HELLO, 1);
    expect(generations()).to.deep.equal([1, 1]);
    claim.leave();
    claim.take(link(), HELLO);
    claim.leave();
    claim.take(link(), HELLO, 1);
    expect(generations()).to.deep.equal([1, 1, 2, 3]);
  });

  it('credit ends a ring beyond the slowest lossless consumer, and impossible reports are refused', () => {
    claim.take(link(), HELLO);
    slowest = 0;
    expect(granted()).to.equal(SLOTS);
    write(SLOTS);
    expect(claim.published(SLOTS)).to.equal(true);
    expect(granted()).to.equal(SLOTS);
    expect(claim.published(SLOTS + 1)).to.equal(false);
    expect(claim.published(SLOTS - 1)).to.equal(false);
    slowest = 3;
    claim.update();
    expect(granted()).to.equal(SLOTS + 3);
    expect(sent.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS + 3, 0]);
  });

  it('a report with an optional answer is noted in the file, and answered only where necessary', () => {
    const heard = (): number => file.heard;
    const answers = (count: number): typeof sent => {
      sent = [];
      claim.published(count);
      claim.answer(true);
      return sent;
    };
    claim.take(link(), HELLO);
    slowest = 0;
    write(1);
    expect(answers(1), 'no credit to wait for').to.deep.equal([]);
    expect(heard()).to.equal(1);
    write(2);
    expect(answers(2), 'it has published more').to.deep.equal([[MessageKind.CREDIT, SLOTS, 0]]);
    expect(heard()).to.equal(2);
    slowest = 2;
    expect(answers(3), 'a quarter of the ring more than was sent').to.deep.equal([
      [MessageKind.CREDIT, SLOTS + 2, 0],
    ]);
    write(SLOTS - 1);
    expect(answers(SLOTS + 2), 'it may wait for credit').to.deep.equal([[MessageKind.CREDIT, SLOTS + 2, 0]]);
  });

  it('credit is lowered for a lossless consumer that joins, so that it gets the whole ring', () => {
    claim.take(link(), HELLO);
    write(5);
    claim.published(5);
    expect(granted()).to.equal(5 + SLOTS);
    expect(claim.oldest(0, false)).to.equal(0);
    expect(granted()).to.equal(5 + SLOTS);
    expect(claim.oldest(0, true)).to.equal(0);
    expect(granted()).to.equal(SLOTS);
    expect(sent.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS, 0]);
    expect(claim.oldest(3, true)).to.equal(3);
    expect(granted(), 'never more than before').to.equal(SLOTS);
  });

  it('a consumer begins after slots that the provider has claimed, and the credit never ends before them', () => {
    claim.take(link(), HELLO);
    write(SLOTS);
    claim.published(SLOTS);
    file.claimed = SLOTS + 3;
    expect(claim.oldest(0, false)).to.equal(3);
    expect(granted()).to.equal(2 * SLOTS);
    expect(claim.oldest(0, true)).to.equal(3);
    expect(granted(), 'what is claimed may be written').to.equal(SLOTS + 3);
    file.lowerClaimed(SLOTS + 1);
    expect(claim.oldest(0, true)).to.equal(1);
    expect(granted()).to.equal(SLOTS + 1);
  });

  it('a claim that the provider stores while the credit is lowered is seen by one of the two', () => {
    claim.take(link(), HELLO);
    write(SLOTS);
    claim.published(SLOTS);
    // The provider claims between the store of the lower credit and the load of the claim.
    Object.defineProperty(file, 'lowerGranted', {
      configurable: true,
      value: (count: number) => {
        FlowFile.prototype.lowerGranted.call(file, count);
        file.claimed = SLOTS + 2;
      },
    });
    expect(claim.oldest(0, true)).to.equal(2);
    expect(granted()).to.equal(SLOTS + 2);
  });

  it('the claim is not read for a sequence that another lossless consumer holds', () => {
    claim.take(link(), HELLO);
    slowest = 0;
    write(SLOTS);
    claim.published(SLOTS);
    expect(claim.holdsFrom(0)).to.equal(true);
    slowest = 2;
    expect([claim.holdsFrom(1), claim.holdsFrom(2)]).to.deep.equal([false, true]);
    slowest = Number.POSITIVE_INFINITY;
    expect(claim.holdsFrom(SLOTS)).to.equal(false);
  });

  it('a provider that opens the flow begins its own buffers, one that reattaches continues them', () => {
    claim.take(link(), HELLO);
    write(3);
    claim.leave();
    claim.take(link(), { ...HELLO, start: 'sequence' }, claim.generation);
    expect(file.providerFirst).to.equal(0);
    write(1);
    claim.leave();
    claim.take(link(), HELLO);
    expect(file.providerFirst).to.equal(4);
  });

  it('buffers that a killed provider published but did not report count', () => {
    claim.take(link(), HELLO);
    write(4);
    claim.leave();
    claim.take(link(), HELLO);
    expect(sent.filter(([kind]) => kind === MessageKind.BEGIN).at(-1)).to.deep.equal([
      MessageKind.BEGIN,
      4,
      2,
    ]);
  });

  it('reports that arrived together get one answer, with the credit of the newest', async () => {
    claim.take(link(), HELLO);
    slowest = 0;
    write(2);
    sent = [];
    for (const count of [1, 2]) {
      expect(claim.published(count)).to.equal(true);
      claim.answer();
    }
    slowest = 1;
    expect(sent, 'before the messages of this turn are handled').to.deep.equal([]);
    claim.published(2);
    await Promise.resolve();
    expect(sent).to.deep.equal([[MessageKind.CREDIT, SLOTS + 1, 0]]);
    claim.answer();
    await Promise.resolve();
    expect(sent, 'the next report').to.have.length(2);
  });

  it('small credits are sent together at the end of a turn, the last one at once', () => {
    slowest = 0;
    claim.take(link(), HELLO);
    write(SLOTS);
    claim.published(SLOTS);
    claim.answer();
    sent = [];
    slowest = 1; // less than a quarter of the ring
    claim.update();
    expect([sent, scheduled.length]).to.deep.equal([[], 1]);
    slowest = 2;
    claim.update();
    expect(sent).to.deep.equal([[MessageKind.CREDIT, SLOTS + 2, 0]]); // a quarter
    for (const action of scheduled.splice(0)) action();
    expect(sent).to.have.length(1); // sent already
    write(2);
    claim.published(SLOTS + 2);
    slowest = 3;
    claim.update();
    claim.update();
    expect(scheduled).to.have.length(1);
    for (const action of scheduled.splice(0)) action();
    expect(sent.at(-1)).to.deep.equal([MessageKind.CREDIT, SLOTS + 3, 0]);
    write(1);
    claim.published(SLOTS + 3);
    slowest = SLOTS + 2;
    claim.update();
    write(SLOTS - 1);
    claim.published(2 * SLOTS + 2);
    sent = [];
    slowest = 2 * SLOTS + 2; // no consumer has a buffer left to read: no more credit will come
    claim.update();
    expect([sent, scheduled]).to.deep.equal([[[MessageKind.CREDIT, 3 * SLOTS + 2, 0]], []]);
  });

  it('whole buffers that a killed provider did not publish are removed before the next one writes', () => {
    claim.take(link(), HELLO);
    slowest = 0;
    write(1);
    expect(claim.published(1)).to.equal(true);
    for (let buffer = 0; buffer < 2; buffer += 1) {
      writer.begin();
      writer.commit(1, 0);
    }
    expect([file.holds(1), file.holds(2)]).to.deep.equal([true, true]);
    claim.leave();
    expect(file.published).to.equal(1);
    claim.take(link(), HELLO);
    expect([file.published, file.holds(0), file.holds(1), file.holds(2)]).to.deep.equal([
      1,
      true,
      false,
      false,
    ]);
  });
});
