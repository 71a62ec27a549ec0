/** Flow definitions and the requests that fit them: pure functions. */
import { expect } from 'chai';
import {
  requestsRedefinition,
  definitionOfProvider,
  fits,
} from '../../../app-server/flows/flow-definition.js';

const OUTPUT = { flow: 'events', direction: 'output', bufferSize: 64, buffers: 8 } as const;

describe('flow definition', () => {
  it('what a provider does not state stays as the flow has it', () => {
    const definition = definitionOfProvider({ ...OUTPUT, properties: '{ "unit": "keV" }' });
    expect(requestsRedefinition(definition, { flow: 'events', direction: 'output' })).to.equal(false);
    expect(requestsRedefinition(definition, { ...OUTPUT, properties: '{"unit":"keV"}' })).to.equal(false);
    expect(requestsRedefinition(definition, { ...OUTPUT, properties: '{"unit":"MeV"}' })).to.equal(true);
    expect(requestsRedefinition(definition, { ...OUTPUT, buffers: 16 })).to.equal(true);
  });

  it('properties that are no JSON object, bad type names and unmappable sizes are refused', () => {
    expect(() => definitionOfProvider({ ...OUTPUT, properties: '[]' })).to.throw('JSON object');
    expect(() => definitionOfProvider({ ...OUTPUT, type: '--flow' })).to.throw('is not a flow type');
    expect(() => definitionOfProvider({ ...OUTPUT, bufferSize: 2 ** 30 })).to.throw('can be mapped');
  });

  it('a running duplicator fits a flow of the same type and sizes only', () => {
    const definition = definitionOfProvider(OUTPUT);
    expect(fits(definition, { ...definition })).to.equal(true);
    expect(fits(definition, { ...definition, sizes: { bufferSize: 64, buffers: 9 } })).to.equal(false);
    expect(fits(definition, { ...definition, type: 'other' })).to.equal(false);
  });
});
