/** A mirror that is filled from another host, frame by frame, without a socket. */
import { expect } from 'chai';
import type { FlowHost } from '../../../duplicator/serving/flow-host.js';
import { MirrorSink } from '../../../duplicator/remote/mirror-sink.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { createImage, ImageWriter } from '../../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS } from '../../../protocol/flow/flow-file/layout.js';
import { encodeBlocks } from '../../../protocol/flow/wire/blocks.js';
import { FrameKind, emptyHeader } from '../../../protocol/flow/wire/frame.js';
import { Place } from '../../protocol/flow/flow-file/place.js';

const CAPACITY = 3 * 4096;
const SLOTS = 4;

describe('the sink of a mirror from another host', () => {
  const place = new Place();
  after(() => place.remove());

  const file = createFlowFile({
    path: place.file('spectra.flow'),
    identity: { application: 'test', flow: 'spectra', type: 'bytes', properties: {} },
    slotCount: SLOTS,
    payloadCapacity: CAPACITY,
    flags: FLOW_FLAGS.mirror | FLOW_FLAGS.remote,
    epoch: 7,
    mode: 0o600,
  });
  const image = createImage(place.file('spectra.image'), CAPACITY, { mode: 0o600 });
  // With lossy consumers only, every slot may be written.
  const host = { changes: 0, creditLimit: Infinity, hasCredit: () => true, published: () => undefined };
  const hooks = { state: () => undefined, delivery: () => undefined, senderClosed: () => undefined };
  const sink = new MirrorSink(file, new ImageWriter(file, image), host as unknown as FlowHost, false, hooks);
  /** The memory of the source. */
  const memory = Buffer.alloc(CAPACITY);

  /**
   * The source changes one block and sends it as publication `sequence`, then the end of the
   * publication. Returns what the sink found wrong.
   */
  function send(sequence: number, block: number, value: number): boolean | string | undefined {
    memory.fill(value, block * 4096, (block + 1) * 4096);
    const { payload, ranges, bits } = encodeBlocks(memory, CAPACITY, [block]);
    const blocks = {
      ...emptyHeader(),
      kind: FrameKind.BLOCKS,
      sequence,
      value: CAPACITY,
      detail: ranges,
      bits,
    };
    const admitted = sink.admit(blocks);
    if (admitted !== true) return admitted;
    const size = Buffer.alloc(4);
    size.writeUInt32LE(CAPACITY);
    const end = { ...emptyHeader(), kind: FrameKind.PUBLICATION, sequence, value: 1 };
    return sink.frame(blocks, payload) ?? (sink.admit(end) && sink.frame(end, size));
  }

  it('a gap as long as the ring is published before the first block behind it', () => {
    expect(send(0, 0, 1)).to.equal(undefined);
    expect(file.published).to.equal(1);
    const { payload, ranges, bits } = encodeBlocks(memory, CAPACITY, [1]);
    const firstBlock = {
      ...emptyHeader(),
      kind: FrameKind.BLOCKS,
      sequence: 10,
      value: CAPACITY,
      detail: ranges,
      bits,
    };
    expect([sink.admit(firstBlock), sink.frame(firstBlock, payload)]).to.deep.equal([true, undefined]);
    expect([file.published, file.imageApplied]).to.deep.equal([10, 1]);
  });

  it('a publication that was counted as missing and arrives late is built upon and not published', () => {
    sink.begin();
    expect(send(8, 1, 2)).to.equal(undefined);
    expect([file.published, image[4096]]).to.deep.equal([10, 0]);
    expect(send(10, 2, 3)).to.equal(undefined);
    expect([file.published, file.imageApplied]).to.deep.equal([11, 11]);
    expect(image.equals(memory)).to.equal(true);
    expect(file.payloadOf(10).equals(memory)).to.equal(true);
  });

  it('a publication that is in the image already is refused', () => {
    expect(send(10, 1, 9)).to.equal('publication 10 arrived where 11 was expected');
  });
});
