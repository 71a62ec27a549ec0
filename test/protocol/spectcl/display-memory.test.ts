/** The display memory: reading returns what was written, and no header leads outside the memory. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { checkHeader } from '../../../protocol/spectcl/display-check.js';
import {
  DISPLAY_HEADER_BYTES,
  DISPLAY_SLOTS,
  SPECTRUM_TYPES,
  type SpectrumTypeCode,
  bindings,
  channelsOf,
  readBinding,
  usedBytes,
} from '../../../protocol/spectcl/display-memory.js';
import {
  type BindingFields,
  clearBinding,
  writeBinding,
  writeStatistics,
} from '../../../protocol/spectcl/display-writer.js';

const CHANNEL_BYTES = 65_536;
const memory = (): Uint8Array => new Uint8Array(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);

const spectrum = (fields: Partial<BindingFields> = {}): BindingFields => ({
  name: 'e.raw',
  type: 4,
  xchans: 256,
  ychans: 0,
  channelOffset: 0,
  xmin: 0,
  xmax: 255,
  ...fields,
});

/** The header as a C program writes it: an independent definition of the offsets. */
function poke(target: Uint8Array, slot: number, type: number, x: number, y: number, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint32(slot * 8, x, true);
  view.setUint32(slot * 8 + 4, y, true);
  view.setUint32(2_640_000 + slot * 4, offset, true);
  view.setInt32(2_680_000 + slot * 4, type, true);
}

describe('display memory', () => {
  it('a display memory of zeros has no spectra', () => {
    expect(bindings(memory())).to.deep.equal([]);
    expect(usedBytes(memory(), CHANNEL_BYTES)).to.equal(0);
    expect(checkHeader(memory(), CHANNEL_BYTES)).to.deep.equal([]);
  });

  it('the fields of a display memory have the offsets of SpecTcl’s C structure', () => {
    const target = memory();
    const view = new DataView(target.buffer);
    const slot = 9_999;
    poke(target, slot, 3, 10, 20, 7);
    Buffer.from('hits\0rubbish').copy(target, 80_000 + slot * 128);
    Buffer.from('what it is\0').copy(target, 1_360_000 + slot * 128);
    const map = 2_720_000 + slot * 272;
    [1.5, 2.5, 3.5, 4.5].forEach((value, index) => view.setFloat32(map + index * 4, value, true));
    Buffer.from('x\0').copy(target, map + 16);
    Buffer.from('y\0').copy(target, map + 144);
    [1, 2, 3, 4].forEach((value, index) => view.setUint32(5_440_000 + slot * 16 + index * 4, value, true));
    expect(bindings(target)).to.deep.equal([
      {
        slot,
        name: 'hits',
        info: 'what it is',
        type: SPECTRUM_TYPES[3],
        dimensions: 2,
        xchans: 10,
        ychans: 20,
        byteOffset: 5_600_000 + 14,
        byteLength: 400,
        xmin: 1.5,
        xmax: 2.5,
        ymin: 3.5,
        ymax: 4.5,
        xlabel: 'x',
        ylabel: 'y',
        overflows: [1, 2],
        underflows: [3, 4],
      },
    ]);
  });

  it('reading a binding returns what was written', () => {
    const field = fc.string({ maxLength: 40, unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
    const code = fc.constantFrom<SpectrumTypeCode>(1, 2, 3, 4, 5);
    const target = memory();
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: DISPLAY_SLOTS - 1 }),
        code,
        field,
        field,
        fc.nat(100),
        (slot, type, name, label, offset) => {
          const fields = spectrum({
            type,
            name,
            info: label,
            xlabel: label,
            channelOffset: offset,
            ychans: 3,
          });
          writeBinding(target, slot, fields);
          writeStatistics(target, slot, [4, 3], [2, 1]);
          const binding = readBinding(target, slot);
          clearBinding(target, slot);
          const bytesPerChannel = SPECTRUM_TYPES[type].bytesPerChannel;
          expect(binding?.byteOffset).to.equal(DISPLAY_HEADER_BYTES + offset * bytesPerChannel);
          expect(binding?.byteLength).to.equal(
            256 * (SPECTRUM_TYPES[type].dimensions === 1 ? 1 : 3) * bytesPerChannel,
          );
          expect([binding?.overflows, binding?.underflows]).to.deep.equal([
            [4, 3],
            [2, 1],
          ]);
          expect(name.startsWith(binding!.name)).to.equal(true);
          if (Buffer.byteLength(name) < 128) expect(binding?.name).to.equal(name);
          expect(readBinding(target, slot)).to.equal(undefined);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('a long name is truncated between two characters', () => {
    const target = memory();
    writeBinding(target, 0, spectrum({ name: 'ä'.repeat(100) }));
    expect(readBinding(target, 0)?.name).to.equal('ä'.repeat(63));
    expect(checkHeader(target, CHANNEL_BYTES)).to.deep.equal([]);
  });

  it('a name that is not UTF-8 is read as Latin-1', () => {
    const target = memory();
    writeBinding(target, 0, spectrum());
    target.set([0x6b, 0xe4, 0x73, 0x65, 0], 80_000);
    expect(readBinding(target, 0)?.name).to.equal('käse');
  });

  it('a 1-D spectrum has 1 row, whatever the header holds', () => {
    const target = memory();
    writeBinding(target, 0, spectrum({ ychans: 4_000_000_000 }));
    expect(readBinding(target, 0)?.ychans).to.equal(1);
    expect(checkHeader(target, CHANNEL_BYTES)).to.deep.equal([]);
  });

  it('the channels of a spectrum are a view without a copy', () => {
    const target = memory();
    writeBinding(target, 3, spectrum({ type: 3, xchans: 4, ychans: 2, channelOffset: 5 }));
    const channels = channelsOf(target, readBinding(target, 3)!);
    expect(channels).to.be.instanceOf(Uint16Array);
    channels[7] = 0x1234;
    expect([...target.subarray(DISPLAY_HEADER_BYTES + 24, DISPLAY_HEADER_BYTES + 26)]).to.deep.equal([
      0x34, 0x12,
    ]);
  });

  it('the channels of a memory at an odd address are copied', () => {
    const odd = new Uint8Array(DISPLAY_HEADER_BYTES + CHANNEL_BYTES + 1).subarray(1);
    writeBinding(odd, 0, spectrum({ xchans: 2 }));
    odd.set([1, 0, 0, 0, 2], DISPLAY_HEADER_BYTES);
    expect([...channelsOf(odd, bindings(odd)[0]!)]).to.deep.equal([1, 2]);
  });

  it('channels outside the memory are refused', () => {
    const target = memory();
    writeBinding(target, 0, spectrum({ xchans: CHANNEL_BYTES / 4 + 1 }));
    // A view into something larger: the buffer would have the bytes, the memory has not.
    expect(() => channelsOf(target, readBinding(target, 0)!)).to.throw('outside a display memory');
  });

  it('the used bytes reach to the end of the spectrum with the largest offset', () => {
    const target = memory();
    writeBinding(target, 5, spectrum({ xchans: 1000 }));
    writeBinding(target, 2, spectrum({ type: 1, xchans: 8, ychans: 8, channelOffset: 4000 }));
    expect(usedBytes(target, CHANNEL_BYTES)).to.equal(4064);
    // Largest in bytes, not in the header's number.
    writeBinding(target, 7, spectrum({ type: 4, xchans: 1, channelOffset: 2000 }));
    expect(usedBytes(target, CHANNEL_BYTES)).to.equal(8004);
    clearBinding(target, 7);
    clearBinding(target, 2);
    expect(usedBytes(target, CHANNEL_BYTES)).to.equal(4000);
    expect(usedBytes(target, 100)).to.equal(100);
  });

  it('the check of a header names its problems', () => {
    const problemsOf = (type: number, x: number, y: number, offset: number): string[] => {
      const target = memory();
      poke(target, 1, type, x, y, offset);
      return checkHeader(target, CHANNEL_BYTES).map(({ slot, problem }) => `${slot}: ${problem}`);
    };
    expect(problemsOf(6, 1, 1, 0)).to.deep.equal(['1: unknown type 6']);
    expect(problemsOf(-1, 1, 1, 0)).to.deep.equal(['1: unknown type -1']);
    expect(problemsOf(4, 0, 1, 0)[0]).to.match(/0 x 1 channels/);
    expect(problemsOf(5, 4, 0, 0)[0]).to.match(/4 x 0 channels/);
    expect(problemsOf(5, 65_536, 65_536, 0)[0]).to.match(/beyond the 65536 bytes/);
    expect(problemsOf(5, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff)[0]).to.match(/beyond/);
    expect(problemsOf(4, 1, 0, CHANNEL_BYTES / 4)[0]).to.match(/beyond/);
    expect(problemsOf(4, 1, 0, CHANNEL_BYTES / 4 - 1)).to.deep.equal([]);
  });

  it('the check of a header detects a title without a terminating NUL', () => {
    const target = memory();
    writeBinding(target, 0, spectrum());
    target.fill(0x41, 80_000, 80_128);
    expect(checkHeader(target, CHANNEL_BYTES)).to.deep.equal([
      { slot: 0, problem: 'title without a terminating NUL' },
    ]);
    expect(readBinding(target, 0)?.name).to.equal('A'.repeat(128));
  });

  it('the check of a header stops at a hundred problems', () => {
    expect(checkHeader(memory().fill(0xff), CHANNEL_BYTES)).to.have.length(100);
  });

  it('no header leads to an access outside the memory', () => {
    const target = memory();
    const word = fc.oneof(fc.nat(20_000), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 }), word, word, word, (type, x, y, offset) => {
        poke(target, 12, type, x, y, offset);
        const used = usedBytes(target, CHANNEL_BYTES);
        expect(used).to.be.within(0, CHANNEL_BYTES);
        const sound = checkHeader(target, CHANNEL_BYTES).length === 0;
        for (const binding of bindings(target)) {
          try {
            const channels = channelsOf(target, binding);
            expect(channels.byteLength).to.equal(binding.byteLength);
          } catch (error) {
            expect(isMirrorflowError(error, 'SOURCE_PROTOCOL')).to.equal(true);
            expect(sound).to.equal(false);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('a memory shorter than its header and slots out of range are refused', () => {
    expect(() => bindings(new Uint8Array(100))).to.throw('at least 5600000 bytes');
    expect(readBinding(memory(), DISPLAY_SLOTS)).to.equal(undefined);
    expect(readBinding(memory(), -1)).to.equal(undefined);
    expect(() => clearBinding(memory(), 10_000)).to.throw(RangeError);
  });
});
