import { expect } from 'chai';
import { asksForAnother, definitionOfProvider, serves } from '../../../app-server/flows/flow-definition.js';

const OUTPUT = { flow: 'events', direction: 'output', bufferSize: 64, buffers: 8 } as const;

describe('flow definition', () => {
  it('takes what a provider does not state from the flow that there is', () => {
    const definition = definitionOfProvider({ ...OUTPUT, properties: '{ "unit": "keV" }' });
    expect(asksForAnother(definition, { flow: 'events', direction: 'output' })).to.equal(false);
    expect(asksForAnother(definition, { ...OUTPUT, properties: '{"unit":"keV"}' })).to.equal(false);
    expect(asksForAnother(definition, { ...OUTPUT, properties: '{"unit":"MeV"}' })).to.equal(true);
    expect(asksForAnother(definition, { ...OUTPUT, buffers: 16 })).to.equal(true);
  });

  it('refuses properties that are no JSON object, types that are none, and sizes that cannot be mapped', () => {
    expect(() => definitionOfProvider({ ...OUTPUT, properties: '[]' })).to.throw('JSON object');
    expect(() => definitionOfProvider({ ...OUTPUT, type: '--flow' })).to.throw('is not a flow type');
    expect(() => definitionOfProvider({ ...OUTPUT, bufferSize: 2 ** 30 })).to.throw('can be mapped');
  });

  it('knows whether a duplicator that was found fits', () => {
    const definition = definitionOfProvider(OUTPUT);
    expect(serves(definition, { ...definition })).to.equal(true);
    expect(serves(definition, { ...definition, sizes: { bufferSize: 64, buffers: 9 } })).to.equal(false);
    expect(serves(definition, { ...definition, type: 'other' })).to.equal(false);
  });
});
