/** Message classes: declarations, and objects that keep their state on the way. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Attributes, MessageClass } from '../../../client-lib/index.js';
import { messageFromWire, messageToWire, messageTypeOf } from '../../../client-lib/messages/message-class.js';
import type { MessageOnWire } from '../../../protocol/rpc/contract/deliveries.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { decodeCall, encodeCall } from '../../../protocol/rpc/xml-rpc/codec.js';
import { FORBIDDEN_IN_XML } from '../../../protocol/rpc/xml-rpc/values.js';

class Everything {
  static readonly attributes = {
    number: 'number',
    text: 'string',
    flag: 'boolean',
    at: 'date',
    raw: 'bytes',
    maybe: 'number?',
    list: [{ names: ['string'], place: { x: 'number' } }],
  } satisfies Attributes;

  readonly made = 'by the constructor';
}

function travelled(message: object): object {
  const { params } = decodeCall(encodeCall('client.deliver', [messageToWire(message)]));
  return messageFromWire(Everything, params[0] as MessageOnWire);
}

function problemOf(attributes: unknown, type?: unknown): string {
  const cls = { name: 'Odd', attributes, ...(type === undefined ? {} : { type }) } as unknown as MessageClass;
  try {
    messageTypeOf(cls);
    return 'none';
  } catch (error) {
    return isMirrorflowError(error, 'BAD_OPTION') ? error.message : String(error);
  }
}

describe('message classes', () => {
  const text = fc.string({ unit: 'binary' }).filter((text) => !FORBIDDEN_IN_XML.test(text));
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const state = fc.record({
    number,
    text,
    flag: fc.boolean(),
    at: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
    raw: fc.uint8Array(),
    maybe: fc.option(number, { nil: undefined }),
    list: fc.array(fc.record({ names: fc.array(text), place: fc.record({ x: number }) }), { maxLength: 3 }),
  });

  it('at invocation time, the object has the exact same state as the version of the sender', () => {
    fc.assert(
      fc.property(state, (state) => {
        const message = Object.assign(Object.create(Everything.prototype) as object, state);
        const arrived = travelled(message);
        expect(arrived).to.be.instanceOf(Everything);
        for (const [name, value] of Object.entries(state)) {
          expect((arrived as Record<string, unknown>)[name]).to.deep.equal(value);
        }
        expect(Object.is((arrived as typeof state).number, state.number)).to.equal(true);
      }),
    );
  });

  it('the receiver runs no constructor, and its object has only the attributes', () => {
    const state = { number: 1, text: '', flag: true, at: new Date(0), raw: new Uint8Array(), list: [] };
    const message = Object.assign(Object.create(Everything.prototype) as object, state);
    expect(Object.keys(travelled(message))).to.have.members(Object.keys(Everything.attributes));
    expect(() => messageToWire(Object.assign(new Everything(), state))).to.throw(
      'attribute made is not declared',
    );
  });

  it('attributes named like properties of every object are plain attributes', () => {
    class Hostile {
      static readonly attributes = JSON.parse(
        '{"__proto__":"string?","constructor":"string?"}',
      ) as Attributes;

      readonly hostile = true;
    }
    const attributes = JSON.parse('{"__proto__":"x"}') as MessageOnWire['attributes'];
    const arrived = messageFromWire(Hostile, { type: 'Hostile', attributes });
    expect(arrived).to.be.instanceOf(Hostile);
  });

  it('wrong declarations are refused, naming the place and what is allowed', () => {
    expect(problemOf({ a: 'string?' })).to.equal('none');
    expect(problemOf(undefined)).to.include('must declare');
    expect(problemOf({ a: 'text' }))
      .to.include('attributes.a')
      .and.to.include('one of string, number');
    expect(problemOf({ a: ['string', 'number'] })).to.include('attributes.a');
    expect(problemOf({ a: [{ b: 7 }] })).to.include('attributes.a[0].b');
    expect(problemOf({}, 'a b')).to.include('its type is');
    let deep: unknown = 'string';
    for (let depth = 0; depth < 40; depth += 1) deep = [deep];
    expect(problemOf({ deep })).to.include('too deeply');
  });
});
