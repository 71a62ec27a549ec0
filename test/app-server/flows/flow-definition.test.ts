import { expect } from 'chai';
import {
  requestsRedefinition,
  definitionOfProvider,
  fits,
} from '../../../app-server/flows/flow-definition.js';
import { FLOW_RATES, Rates } from '../../../app-server/flows/rates.js';

const OUTPUT = { flow: 'events', direction: 'output', bufferSize: 64, buffers: 8 } as const;

describe('flow definition', () => {
  it('takes what a provider does not state from the flow that there is', () => {
    const definition = definitionOfProvider({ ...OUTPUT, properties: '{ "unit": "keV" }' });
    expect(requestsRedefinition(definition, { flow: 'events', direction: 'output' })).to.equal(false);
    expect(requestsRedefinition(definition, { ...OUTPUT, properties: '{"unit":"keV"}' })).to.equal(false);
    expect(requestsRedefinition(definition, { ...OUTPUT, properties: '{"unit":"MeV"}' })).to.equal(true);
    expect(requestsRedefinition(definition, { ...OUTPUT, buffers: 16 })).to.equal(true);
  });

  it('refuses properties that are no JSON object, types that are none, and sizes that cannot be mapped', () => {
    expect(() => definitionOfProvider({ ...OUTPUT, properties: '[]' })).to.throw('JSON object');
    expect(() => definitionOfProvider({ ...OUTPUT, type: '--flow' })).to.throw('no flow type');
    expect(() => definitionOfProvider({ ...OUTPUT, bufferSize: 2 ** 30 })).to.throw('can be mapped');
  });

  it('knows whether a duplicator that was found fits', () => {
    const definition = definitionOfProvider(OUTPUT);
    expect(fits(definition, { ...definition })).to.equal(true);
    expect(fits(definition, { ...definition, sizes: { bufferSize: 64, buffers: 9 } })).to.equal(false);
    expect(fits(definition, { ...definition, type: 'other' })).to.equal(false);
  });
});

describe('rates', () => {
  const counters = { published: 10, publishedBytes: 0, updates: 0, receivedBytes: 0 };

  it('are what was gained per second since the last look', () => {
    const rates = new Rates(FLOW_RATES);
    expect(rates.sample(0, counters)).to.deep.equal({});
    const second = rates.sample(500, { ...counters, published: 15 });
    expect(second['publishedPerSecond']).to.equal(10);
    expect(rates.sample(501, { ...counters, published: 99 })).to.equal(second);
  });

  it('are not known for counters that went back', () => {
    const rates = new Rates(FLOW_RATES);
    rates.sample(0, counters);
    expect(rates.sample(1000, { ...counters, published: 1 })).to.not.have.property('publishedPerSecond');
  });
});
