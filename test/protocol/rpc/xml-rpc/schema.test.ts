/** The schemas of XML-RPC values at their bounds: what is accepted, and what is refused. Pure. */
import { expect } from 'chai';
import {
  any,
  arrayOf,
  boolean,
  bytes,
  date,
  double,
  int,
  mapOf,
  oneOf,
  optional,
  string,
  struct,
  type Place,
  type Schema,
} from '../../../../protocol/rpc/xml-rpc/schema.js';

const MOST = Number.MAX_SAFE_INTEGER;

describe('the schemas of XML-RPC values', () => {
  const place = (unknownMembers: Place['unknownMembers'] = 'refuse'): Place => {
    return { method: 'app.test', root: 'value', path: [], unknownMembers };
  };
  const accepts = (schema: Schema, value: unknown): boolean => {
    try {
      schema.check(value, place());
      return true;
    } catch {
      return false;
    }
  };

  const bounds: readonly (readonly [
    string,
    Schema,
    accepted: readonly unknown[],
    refused: readonly unknown[],
  ])[] = [
    ['a text', string({ maxCharacters: 3 }), ['', 'abc'], ['abcd', 3, undefined, null]],
    ['a text of a form', string({ pattern: /^a+$/ }), ['aaa'], ['', 'ab']],
    ['a text of a list', oneOf(['one', 'two']), ['one', 'two'], ['', 'on', 1]],
    ['an integer', int({ min: -2, max: 5 }), [-2, 0, 5], [-3, 6, 1.5, Number.NaN, '1', undefined]],
    ['any integer', int(), [-MOST, MOST], [MOST + 1, -MOST - 1, 0.5, Infinity]],
    ['a number', double({ min: -0.5, max: 0.5 }), [-0.5, 0, 0.5], [-0.6, 0.6, Number.NaN, '0']],
    ['any number', double(), [-1e300, 1e300], [Infinity, -Infinity, Number.NaN]],
    ['a boolean', boolean(), [true, false], [0, 1, 'true', undefined]],
    ['a date', date(), [new Date(0)], [new Date(Number.NaN), 0, '1970-01-01']],
    ['bytes', bytes({ maxBytes: 2 }), [new Uint8Array(2), Buffer.of(1)], [new Uint8Array(3), [1], 'a']],
    ['any bytes', bytes(), [new Uint8Array(9999)], [new ArrayBuffer(1)]],
    ['any value', any(), [0, '', false, []], [undefined, null]],
    ['an array', arrayOf(int(), { maxCount: 2 }), [[], [1, 2]], [[1, 2, 3], ['1'], {}, 'ab']],
    ['a map', mapOf(int()), [{}, { a: 1 }], [{ a: 'b' }, [], null, new Date(0), Buffer.of(1)]],
    [
      'a struct',
      struct({ a: int(), b: optional(int()) }),
      [{ a: 1 }, { a: 1, b: 2 }, { a: 1, b: undefined }],
      [{}, { b: 2 }, { a: 1, b: 'c' }, { a: 1, c: 3 }, [1], null, new Date(0), Buffer.of(1)],
    ],
  ];
  for (const [what, schema, accepted, refused] of bounds)
    it(`${what} is accepted within its bounds only`, () => {
      expect(accepted.map((value) => accepts(schema, value))).to.deep.equal(accepted.map(() => true));
      expect(refused.map((value) => accepts(schema, value))).to.deep.equal(refused.map(() => false));
    });

  it('a refusal names the method, the place and what is expected', () => {
    const schema = struct({ list: arrayOf(struct({ port: int({ min: 1, max: 9 }) })) });
    expect(() => schema.check({ list: [{ port: 1 }, { port: 10 }] }, place()))
      .to.throw('app.test: value.list[1].port must be an int of 1 to 9, and is 10')
      .with.property('code', 'INVALID_PARAMETERS');
    expect(int({ min: 1, max: 9, doc: 'a port' }).doc).to.equal('a port (1 to 9)');
    expect([int({ min: 1 }).doc, int({ max: 9 }).doc]).to.deep.equal([
      'an int of at least 1',
      'an int of at most 9',
    ]);
  });

  it('the JSON schema of a number has the bounds that it has', () => {
    const doc = 'a share';
    expect(double({ doc }).json).to.deep.equal({ description: doc, type: 'number' });
    expect(double({ min: 0, doc }).json)
      .to.deep.include({ type: 'number', minimum: 0 })
      .and.not.have.property('maximum');
    expect(double({ max: 1, doc }).json)
      .to.deep.include({ type: 'number', maximum: 1 })
      .and.not.have.property('minimum');
    expect(int({ min: 0, max: 1 }).json).to.deep.include({ type: 'integer', minimum: 0, maximum: 1 });
    expect(string({ maxCharacters: 3 }).json).to.deep.include({ type: 'string', maxLength: 3 });
    expect(arrayOf(int(), { maxCount: 2 }).json).to.deep.include({ type: 'array', maxItems: 2 });
  });

  it('members that a newer server has added are left out, and struct members are own ones', () => {
    const schema = struct({ a: int(), b: optional(int()) });
    expect(schema.check({ a: 1, newer: 2 }, place('drop'))).to.deep.equal({ a: 1 });
    expect(accepts(struct({ toString: optional(int()) }), {})).to.equal(true);
  });
});
