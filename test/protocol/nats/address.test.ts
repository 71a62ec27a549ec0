// Addresses of NATS servers (protocol/nats/address.ts), and names as tokens of subjects.
import { expect } from 'chai';
import * as fc from 'fast-check';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { formatNatsAddress, parseNatsAddress } from '../../../protocol/nats/address.js';
import { NatsSubjects, nameOfToken, subjectToken } from '../../../protocol/nats/subjects.js';

function refusal(text: unknown): string {
  try {
    parseNatsAddress(text);
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_ADDRESS')) return error.message;
    throw error;
  }
  throw new Error(`${String(text)} was accepted`);
}

describe('addresses of NATS servers', () => {
  const addresses = fc.record({
    host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 1, max: 65_535 }),
    prefix: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/),
  });

  it('a formatted address parses to the same address', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseNatsAddress(formatNatsAddress(address))).to.deep.equal(address);
      }),
    );
  });

  it('any text is parsed as an address or refused with BAD_ADDRESS', () => {
    fc.assert(
      fc.property(fc.constantFrom('', 'nats://', 'nats://h:1/'), fc.string(), (start, tail) => {
        try {
          parseNatsAddress(start + tail);
        } catch (error) {
          expect(isMirrorflowError(error, 'BAD_ADDRESS')).to.equal(true);
        }
      }),
    );
  });

  it('a refused address is reported with the reason and a correct example', () => {
    expect(refusal('nats://hub:4222')).to.contain('prefix').and.to.contain('nats://hub.example.org:4222/');
    expect(refusal('nats://hub:4222/')).to.contain('prefix');
    expect(refusal('nats://hub:4222/a.b')).to.contain('prefix');
    expect(refusal('nats://hub:4222/a/b')).to.contain('prefix');
    expect(refusal('nats://hub/a')).to.contain('the port is missing');
    expect(refusal('tcp://hub:4222/a')).to.contain('it must begin with nats://');
    expect(refusal(7)).to.contain('number');
  });

  it('two names never share a subject', () => {
    const names = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
    fc.assert(
      fc.property(names, (name) => {
        expect(subjectToken(name)).to.match(/^[^.*> ]+$/);
        expect(nameOfToken(subjectToken(name))).to.equal(name);
      }),
    );
    const subjects = new NatsSubjects('e1', 'gsi.de');
    expect(subjects.data('a.b', 'c')).to.equal('e1.data.gsi=de.a=b.c');
    expect(subjects.data('a', 'b.c')).to.equal('e1.data.gsi=de.a.b=c');
  });
});
