/** The ring of a flow file with writer and readers in one process, against a simple model. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { FlowFile } from '../../../../protocol/flow/flow-file/flow-file.js';
import { HEADER } from '../../../../protocol/flow/flow-file/layout.js';
import { openFlowFile } from '../../../../protocol/flow/flow-file/open.js';
import { RingReader, type ReadStart } from '../../../../protocol/flow/flow-file/ring-reader.js';
import { RingWriter } from '../../../../protocol/flow/flow-file/ring-writer.js';
import { Place } from './place.js';
import { fillChecked, problemOf } from '../../../kit/checked-payload.js';

const CAPACITY = 100;

function write(writer: RingWriter, file: FlowFile, sequence: number): void {
  const size = 8 + (sequence % 20) * 4;
  fillChecked(writer.begin(), size, file.epoch, sequence);
  writer.commit(size, sequence * 10, sequence % 7);
}

function writeAndPublish(writer: RingWriter, file: FlowFile, count = 1): void {
  for (let index = 0; index < count; index += 1) {
    write(writer, file, writer.next);
    writer.publish();
  }
}

describe('the ring', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  function ring(slotCount: number): { file: FlowFile; writer: RingWriter } {
    const file = place.create({
      slotCount,
      payloadCapacity: CAPACITY,
      path: place.file(`ring-${slotCount}`),
    });
    return { file, writer: new RingWriter(file) };
  }

  it('committed buffers can be read once they are published, all at once', () => {
    const { file, writer } = ring(4);
    const reader = new RingReader(file, 'oldest');
    write(writer, file, 0);
    write(writer, file, 1);
    expect([reader.peek(), reader.available, writer.published, writer.next]).to.deep.equal([
      'empty',
      0,
      0,
      2,
    ]);
    expect(writer.publish()).to.equal(2);
    expect([reader.peek(), reader.available]).to.deep.equal(['ready', 2]);
  });

  it('the ring works across the carries of a 64-bit sequence', () => {
    const { file } = ring(4);
    for (const carry of [2 ** 31, 2 ** 32, 2 ** 40, 5 * 2 ** 32]) {
      file.published = carry - 3;
      const writer = new RingWriter(file);
      const reader = new RingReader(file, 'next');
      const target = Buffer.alloc(CAPACITY);
      for (let sequence = carry - 3; sequence < carry + 6; sequence += 1) {
        writeAndPublish(writer, file);
        expect([reader.copy(target), reader.sequence, reader.timestampNs]).to.deep.equal([
          'ready',
          sequence,
          sequence * 10,
        ]);
        expect(problemOf(target.subarray(0, reader.size), file.epoch, sequence)).to.equal(undefined);
        // One that begins there, as a consumer that resumes.
        const other = new RingReader(file, sequence);
        expect([other.peek(), other.sequence, other.missed]).to.deep.equal(['ready', sequence, 0]);
      }
      expect(reader.missed).to.equal(0);
    }
  });

  it('a reader starts at the oldest, newest or next buffer or at a sequence', () => {
    const { file, writer } = ring(4);
    writeAndPublish(writer, file, 10);
    // The oldest slot may be the next one written: only three of four are surely there.
    for (const [start, next, missed] of [
      ['oldest', 7, 0],
      ['newest', 9, 0],
      ['next', 10, 0],
      [8, 8, 0],
      [2, 6, 4], // the caller may know that the writer has no credit for this slot
      [12, 12, 0],
    ] as [ReadStart, number, number][]) {
      const reader = new RingReader(file, start);
      expect([start, reader.next, reader.missed]).to.deep.equal([start, next, missed]);
    }
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53])
      expect(() => new RingReader(file, bad)).to.throw(RangeError);
  });

  it('a reader can start in an empty ring', () => {
    const { file, writer } = ring(2);
    const readers = (['oldest', 'newest', 'next', 0] as const).map((start) => new RingReader(file, start));
    writeAndPublish(writer, file);
    for (const reader of readers) expect([reader.peek(), reader.sequence]).to.deep.equal(['ready', 0]);
  });

  it('a reader detects that its borrowed buffer was overwritten during use', () => {
    const { file, writer } = ring(2);
    writeAndPublish(writer, file);
    const reader = new RingReader(file, 'oldest');
    expect(reader.peek()).to.equal('ready');
    expect(reader.view().equals(reader.area().subarray(0, reader.size))).to.equal(true);
    writer.begin(1); // the slot of the borrowed buffer
    expect(reader.isIntact()).to.equal(false);
    reader.skipMissed();
    expect([reader.missed, reader.next]).to.deep.equal([1, 1]);
  });

  it('a reader skips forward on request without counting, and never backwards', () => {
    const { file, writer } = ring(8);
    writeAndPublish(writer, file, 5);
    const reader = new RingReader(file, 'oldest');
    reader.skipTo(3);
    reader.skipTo(1);
    expect([reader.next, reader.missed]).to.deep.equal([3, 0]);
  });

  it('committing a size that does not fit the slot throws', () => {
    const { writer } = ring(2);
    writer.begin();
    for (const size of [-1, 1.5, CAPACITY + 1, Number.NaN])
      expect(() => writer.commit(size, 0)).to.throw(RangeError);
  });

  it('a second writer continues the ring of a writer that died within a buffer', () => {
    const { file, writer } = ring(3);
    writeAndPublish(writer, file, 4);
    write(writer, file, 4); // committed and not published
    writer.begin(1).fill(0xff); // and one begun
    const reader = new RingReader(file, 'oldest');
    const next = new RingWriter(openFlowFile(file.path, 'read-write'));
    expect(next.next).to.equal(4);
    writeAndPublish(next, file, 2);
    const target = Buffer.alloc(CAPACITY);
    const sequences: number[] = [];
    while (reader.copy(target) === 'ready') {
      expect(problemOf(target.subarray(0, reader.size), 1, reader.sequence)).to.equal(undefined);
      sequences.push(reader.sequence);
    }
    expect(sequences.at(-1)).to.equal(5);
    expect(sequences.length + reader.missed).to.equal(4); // 2 to 5
  });

  it('copying returns empty when a faster writer spoils every copy', () => {
    const { file, writer } = ring(2);
    writeAndPublish(writer, file, 1);
    const spoiled = new Spoiler(file, () => writeAndPublish(writer, file, 2));
    const target = Buffer.alloc(CAPACITY);
    const lapped = new RingReader(spoiled as unknown as FlowFile, 'oldest');
    expect(lapped.copy(target)).to.equal('empty');
    expect(lapped.missed).to.be.greaterThan(10);
    expect(new RingReader(file, 'oldest').copy(target)).to.equal('ready');
  });

  describe('restarted under a new epoch', () => {
    it('a restart is reported to every reader, and no old buffer can be read', () => {
      const { file, writer } = ring(4);
      writeAndPublish(writer, file, 9);
      const behind = new RingReader(file, 'oldest');
      const drained = new RingReader(file, 'next');
      expect(behind.peek()).to.equal('ready');
      writer.restart(2);
      expect([behind.isIntact(), behind.peek(), drained.peek()]).to.deep.equal([
        false,
        'restarted',
        'restarted',
      ]);
      behind.enterEpoch('oldest');
      drained.enterEpoch('next');
      expect([behind.peek(), drained.peek(), behind.next, drained.epoch]).to.deep.equal([
        'empty',
        'empty',
        0,
        2,
      ]);
      expect([behind.missed, drained.missed]).to.deep.equal([0, 0]);
      expect(() => writer.restart(2)).to.throw(RangeError);
    });

    it('a borrowed buffer is not intact when its slot holds the same sequence of a new epoch', () => {
      const { file, writer } = ring(8);
      writeAndPublish(writer, file, 5);
      const reader = new RingReader(file, 3);
      expect(reader.peek()).to.equal('ready');
      writer.restart(2);
      writeAndPublish(writer, file, 6);
      expect(reader.isIntact()).to.equal(false);
      expect(reader.peek()).to.equal('restarted');
    });

    it('no intermediate state of a restart mixes the epochs', () => {
      // The stores of restart, one after the other, with readers of both kinds looking after each.
      const { file, writer } = ring(3);
      writeAndPublish(writer, file, 7);
      const old = new RingReader(file, 'oldest');
      const before = old.next;
      let steps = 0;
      const store = file.words.store64.bind(file.words);
      file.words.store64 = (at, value) => {
        store(at, value);
        steps += 1;
        const newReader = new RingReader(file, 'oldest');
        const outcome = newReader.peek();
        if (newReader.epoch === 2) expect([outcome, newReader.next]).to.deep.equal(['empty', 0]);
        if (outcome === 'ready')
          expect([newReader.epoch, newReader.sequence]).to.deep.equal([1, newReader.next]);
        const outcomeOfOld = old.peek();
        expect(outcomeOfOld === 'ready' ? old.epoch : 1).to.equal(1);
        expect([old.next, old.missed]).to.deep.equal([before, 0]);
        if (at === HEADER.epoch) expect(outcomeOfOld).to.equal('restarted');
      };
      writer.restart(2);
      expect(steps).to.equal(5);
    });
  });

  it('readers get what a model of the ring delivers, for any order of steps', () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('write' as const), count: fc.integer({ min: 1, max: 9 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('ahead' as const), ahead: fc.integer({ min: 0, max: 1 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('read' as const),
          reader: fc.integer({ min: 0, max: 3 }),
          count: fc.integer({ min: 1, max: 6 }),
        }),
      },
    );
    let runs = 0;
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.array(step, { maxLength: 60 }), (slotCount, steps) => {
        runs += 1;
        const file = place.create({
          slotCount,
          payloadCapacity: CAPACITY,
          path: place.file(`model-${runs}`),
        });
        const writer = new RingWriter(file);
        const readers = (['oldest', 'newest', 'next', 2] as const).map((start) => ({
          reader: new RingReader(file, start),
          delivered: 0,
          first: start === 2 ? 2 : 0,
        }));
        const target = Buffer.alloc(CAPACITY);
        for (const now of steps) {
          switch (now.do) {
            case 'write':
              writeAndPublish(writer, file, now.count);
              break;
            case 'ahead':
              writer.begin(now.ahead).fill(0xee);
              break;
            case 'commit':
              write(writer, file, writer.next);
              break;
            case 'restart':
              writer.restart(file.epoch + 1);
              break;
            case 'read': {
              const model = readers[now.reader]!;
              for (let index = 0; index < now.count; index += 1) {
                const from = model.reader.next;
                const missedBefore = model.reader.missed;
                const outcome = model.reader.copy(target);
                if (outcome === 'restarted') {
                  expect(model.reader.epoch).to.not.equal(file.epoch);
                  model.reader.enterEpoch('oldest');
                  model.first = model.reader.next;
                  model.delivered = 0;
                  model.first -= model.reader.missed;
                  continue;
                }
                expect(model.reader.epoch).to.equal(file.epoch);
                if (outcome === 'empty') {
                  expect(model.reader.next).to.be.at.least(file.published);
                  continue;
                }
                model.delivered += 1;
                expect(
                  problemOf(target.subarray(0, model.reader.size), file.epoch, model.reader.sequence),
                ).to.equal(undefined);
                expect(model.reader.timestampNs).to.equal(model.reader.sequence * 10);
                expect(model.reader.flags).to.equal(model.reader.sequence % 7);
                expect(model.reader.sequence - from).to.equal(model.reader.missed - missedBefore);
                expect(model.reader.sequence).to.be.below(file.published);
                expect(model.reader.sequence).to.be.at.least(file.published - slotCount);
              }
              // Everything up to `next` was delivered or counted as missed.
              expect(model.first + model.delivered + model.reader.missed).to.equal(model.reader.next);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** A flow file that is written to between a reader's copy and its check. */
class Spoiler {
  readonly #file: FlowFile;
  readonly #spoil: () => void;

  constructor(file: FlowFile, spoil: () => void) {
    this.#file = file;
    this.#spoil = spoil;
  }

  get geometry() {
    return this.#file.geometry;
  }

  get words() {
    return this.#file.words;
  }

  get epoch() {
    return this.#file.epoch;
  }

  get published() {
    return this.#file.published;
  }

  payloadOf(sequence: number): Buffer {
    const payload = this.#file.payloadOf(sequence);
    const copy = payload.copy.bind(payload);
    return Object.assign(payload, {
      copy: (...args: Parameters<Buffer['copy']>) => {
        const copied = copy(...args);
        this.#spoil();
        return copied;
      },
    });
  }
}
