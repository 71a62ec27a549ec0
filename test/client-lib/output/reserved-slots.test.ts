/**
 * The slots that an output flow reserves: what they take, their order, and those that are abandoned
 * or never committed. Against real duplicated flows in this process.
 */
import { expect } from 'chai';
import { reattachOutputFlow } from '../../../client-lib/output/output-flow.js';
import { isMirrorflowError, type ErrorCode } from '../../../protocol/base/errors.js';
import { LocalHostFlow, turnsOfEventLoop } from '../../kit/local-host.js';
import { codeOf } from '../../kit/failure-of.js';

describe('the reserved slots of an output flow', () => {
  let place: LocalHostFlow;

  beforeEach(async () => {
    place = await LocalHostFlow.start(4);
  });

  afterEach(async () => {
    await place.close();
  });

  const text = (value: number): Buffer => Buffer.from(String(value));

  it('a buffer that does not fit and a second commit of a slot are refused', async () => {
    const output = await place.provider();
    expect(await codeOf(output.write(Buffer.alloc(65)))).to.equal('TOO_LARGE');
    const slot = await output.reserve();
    const refused = (act: () => void, expected: string, message: string): void => {
      expect(act)
        .to.throw(message)
        .that.satisfies((error: unknown) => isMirrorflowError(error, expected as ErrorCode));
    };
    refused(() => slot.commit(65), 'TOO_LARGE', '65 bytes do not fit a buffer of 64');
    for (const size of [-1, 1.5, Number.NaN, '3' as unknown as number])
      refused(() => slot.commit(size), 'BAD_OPTION', 'the size to commit is');
    slot.commit(64);
    refused(() => slot.commit(1), 'BAD_OPTION', 'committed or abandoned already');
    refused(() => slot.abandon(), 'BAD_OPTION', 'committed or abandoned already');
    output.destroy();
    expect(() => slot.commit(1)).to.throw();
  });

  it('flags and timestamps that a slot cannot hold are refused, and the slot can still be committed', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    const slot = await output.reserve();
    const refused: [object, string][] = [
      [{ flags: -1 }, 'flags is -1; it must be a whole number from 0 to 65535'],
      [{ flags: 70_000 }, 'flags is 70000'],
      [{ flags: 1.5 }, 'flags is 1.5'],
      [{ flags: '1' }, 'flags is "1"'],
      [{ timestampNs: -1 }, 'timestampNs is -1; it must be nanoseconds since 1970'],
      [{ timestampNs: Number.NaN }, 'timestampNs is NaN'],
      [{ timestampNs: 2 ** 64 }, 'timestampNs is 18446744073709552000'],
      [{ flag: 1 }, 'commit has no option flag; its options are timestampNs, flags'],
      [null as unknown as object, 'the options of commit are null'],
    ];
    for (const [options, message] of refused) {
      expect(() => slot.commit(1, options))
        .to.throw(message)
        .that.satisfies((error: unknown) => isMirrorflowError(error, 'BAD_OPTION'));
    }
    slot.commit(1, { flags: 65_535, timestampNs: 2 ** 50 });
    expect(await input.take()).to.include({ flags: 65_535, generation: 1, timestampNs: 2 ** 50 });
    await input.close();
    output.destroy();
  });

  it('reservations are separate slots, published in the order of reservation', async () => {
    const large = await LocalHostFlow.start(64);
    const output = await large.provider();
    const input = await large.consumer({ inline: true });
    const slots = [output.reserveNow()!, await output.reserve(), output.reserveNow()!];
    expect(new Set(slots.map(({ data }) => data.byteOffset)).size).to.equal(3);
    expect(await output.write(text(3))).to.equal(true);
    for (const [value, slot] of slots.entries()) slot.data.write(String(value));
    slots[2]!.commit(1, { flags: 2 });
    slots[1]!.commit(1, { flags: 1 });
    await turnsOfEventLoop();
    expect([large.file.published, output.next]).to.deep.equal([0, 0]);
    slots[0]!.commit(1);
    expect(await output.write(text(4))).to.equal(true);
    await turnsOfEventLoop();
    expect(large.file.published).to.equal(5);
    expect(
      input.takeAll().map(({ sequence, flags, bytes }) => [sequence, flags, String(bytes)]),
    ).to.deep.equal([0, 1, 2, 3, 4].map((value) => [value, value < 3 ? value : 0, String(value)]));
    expect(output.written).to.deep.equal({ buffers: 5, bytes: 5 });
    await input.close();
    output.destroy();
    await large.close();
  });

  it('an abandoned slot is given back without a gap, whichever slots are reserved beside it', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    const got: string[] = [];
    const takeAll = async (): Promise<void> => {
      await turnsOfEventLoop();
      input.poll(({ sequence, bytes }) => got.push(`${sequence} ${String(bytes)}`));
      await turnsOfEventLoop();
    };
    output.reserveNow()?.abandon();
    await output.write(text(0));
    const [first, second, third] = [output.reserveNow()!, output.reserveNow()!, output.reserveNow()!];
    expect(output.reserveNow()).to.equal(undefined);
    first.data.write('x');
    second.data.write('1');
    third.data.write('2');
    third.commit(1);
    first.abandon();
    await takeAll();
    expect(got).to.deep.equal(['0 0']);
    second.commit(1);
    await takeAll();
    expect(got).to.deep.equal(['0 0', '1 1', '2 2']);
    expect(output.free).to.equal(4);
    const [a, b, c] = [output.reserveNow()!, output.reserveNow()!, output.reserveNow()!];
    b.abandon();
    c.abandon();
    await output.write(text(4));
    a.data.write('3');
    a.commit(1);
    await takeAll();
    expect(got.slice(3)).to.deep.equal(['3 3', '4 4']);
    for (let value = 5; value < 20; value += 1) {
      const slot = await output.reserve();
      const other = await output.reserve();
      other.data.write(String(value));
      if (value % 2 === 0) slot.abandon();
      other.commit(Buffer.byteLength(String(value)));
      if (value % 2 === 1) slot.abandon();
      await takeAll();
    }
    expect(got).to.deep.equal(Array.from({ length: 20 }, (_, value) => `${value} ${value}`));
    expect([input.lost, output.lost]).to.deep.equal([0, 0]);
    await input.close();
    output.destroy();
  });

  it('slots that were reserved before their duplicator ended are published first, in order, by the next one', async () => {
    const [from, to] = [await LocalHostFlow.start(8), await LocalHostFlow.start(2)];
    const output = await from.provider();
    const detached = new Promise((resolve) => output.once('detached', resolve));
    const [a, b, c, d] = Array.from({ length: 4 }, () => output.reserveNow()!);
    b!.data.write('1');
    b!.commit(1, { flags: 5 });
    await from.close();
    await detached;
    expect(output.reserveNow()).to.equal(undefined);
    const later = output.write(text(3));
    d!.data.write('2');
    d!.commit(1);
    await reattachOutputFlow(output, to.openedToProvide);
    const input = await to.consumer({ inline: true });
    await turnsOfEventLoop();
    expect(to.file.published).to.equal(0);
    c!.abandon();
    a!.data.write('0');
    a!.commit(1);
    for (let value = 0; value < 4; value += 1) {
      const buffer = await input.take();
      expect([buffer?.sequence, String(buffer?.bytes), buffer?.flags]).to.deep.equal([
        value,
        String(value),
        value === 1 ? 5 : 0,
      ]);
    }
    expect(await later).to.equal(true);
    expect(() => c!.commit(1)).to.throw('abandoned already');
    await input.close();
    output.destroy();
    await to.close();
  });

  it('close publishes what was committed behind a slot that is never committed', async () => {
    const output = await place.provider();
    const input = await place.consumer({ inline: true });
    const open = output.reserveNow()!;
    await output.write(text(0));
    await output.close();
    expect(String((await input.take())?.bytes)).to.equal('0');
    expect(() => open.commit(1)).to.throw('it was closed');
    await input.close();
  });
});
