/** The functions that define contracts: their types, their checks, and mistakes in a contract. */
import { expect } from 'chai';
import {
  callerOf,
  defineContract,
  method,
  optionalParam,
  param,
  type Handlers,
} from '../../../../protocol/rpc/xml-rpc/contract.js';
import {
  bytes,
  date,
  int,
  mapOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../../../../protocol/rpc/xml-rpc/schema.js';
import { rejection } from './outcome.js';
import { sample } from './sample-contract.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const entry = struct({
  at: date(),
  sizes: mapOf(int({ min: 1, max: 9 })),
  raw: optional(bytes({ maxBytes: 2 })),
});
const typesAgree: Same<
  TypeOf<typeof entry>,
  { at: Date; sizes: { [key: string]: number }; raw?: Uint8Array }
> = true;

const place = (unknownMembers: 'refuse' | 'drop') => ({ method: 'm', root: 'p', path: [], unknownMembers });

describe('contracts', () => {
  it('handlers and callers have the types of the schemas', async () => {
    expect(typesAgree).to.equal(true);
    const handlers: Partial<Handlers<typeof sample, undefined>> = {
      'sample.add': ([a, b, c]) => a + b + (c ?? 0),
      // @ts-expect-error -- the result is a string
      'sample.wait': () => 5,
    };
    expect(handlers).to.have.property('sample.add');
    const call = callerOf(sample, { call: async () => 1 });
    expect(await call('sample.add', [1, 2])).to.equal(1);
    // @ts-expect-error -- the first parameter is a number
    await call('sample.add', ['1', 2]);
    // @ts-expect-error -- a parameter is missing
    await call('sample.add', [1]);
    // @ts-expect-error -- there is no such method
    expect((await rejection(call('sample.nope', []))).code).to.equal('METHOD_NOT_FOUND');
  });

  it('a result that breaks the contract is refused, and unknown members of a result are dropped', async () => {
    const answer = (value: string | { [key: string]: string | { [key: string]: string } }) =>
      callerOf(sample, { call: async () => value })('sample.describe', [
        'app',
        { name: 'f', role: 'provider', rates: [] },
      ]);
    const error = await rejection(answer('text'));
    expect([error.code, error.message.includes('result must be a struct')]).to.deep.equal([
      'BAD_MESSAGE',
      true,
    ]);
    expect(await answer({ text: 'x', facts: {}, newer: 'y' })).to.deep.equal({ text: 'x', facts: {} });
  });

  it('dates, maps, bytes and optional members are checked', () => {
    const good = { at: new Date(0), sizes: { a: 1, ['__proto__']: 2 } };
    expect(entry.check(good, place('refuse'))).to.deep.equal(good);
    const wrong: [object, string][] = [
      [{ ...good, at: new Date(NaN) }, 'p.at'],
      [{ ...good, sizes: { a: 10 } }, 'p.sizes.a must be an int of 1 to 9, and is 10'],
      [{ ...good, sizes: [] }, 'p.sizes'],
      [{ ...good, raw: new Uint8Array(3) }, 'at most 2 bytes'],
    ];
    for (const [value, text] of wrong) expect(() => entry.check(value, place('refuse'))).to.throw(text);
  });

  it('a struct is no date, no bytes, no array and not null, even when all of its members are optional', () => {
    const allOptional = struct({ length: optional(int()) });
    for (const unknownMembers of ['refuse', 'drop'] as const) {
      for (const value of [
        new Date(0),
        new Uint8Array(2),
        Buffer.from('x'),
        [],
        [1],
        null,
        undefined,
        'x',
        5,
      ])
        expect(() => allOptional.check(value, place(unknownMembers)), String(value)).to.throw(
          'p must be a struct { length?: an int }',
        );
      expect(allOptional.check({}, place(unknownMembers))).to.deep.equal({});
    }
    class Result {
      readonly length = 3;
    }
    expect(allOptional.check(new Result(), place('drop'))).to.deep.equal({ length: 3 });
    expect(allOptional.check({ length: 3, more: 1 }, place('drop'))).to.deep.equal({ length: 3 });
    expect(() => allOptional.check({ length: 3, more: 1 }, place('refuse'))).to.throw('no member "more"');
    expect(() => allOptional.check(Object.create({ length: 'inherited' }), place('refuse'))).not.to.throw();
  });

  it('a contract with an optional parameter before a required one, or a system method, is refused', () => {
    const required = param('a', string(), 'a');
    const omissible = optionalParam('b', string(), 'b');
    expect(() =>
      method({ right: 'read', doc: '', params: [omissible, required], returns: string() }),
    ).to.throw('optional');
    const systemMethod = method({ right: 'read', doc: '', params: [], returns: string() });
    expect(() => defineContract({ 'system.other': systemMethod })).to.throw('system.other');
  });
});
