// Addresses of protocol/base/address.ts: properties over generated addresses and texts, and
// examples.
import { expect } from 'chai';
import * as fc from 'fast-check';

import { formatAddress, parseAddress, type Address } from '../../../protocol/base/address.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { LIMITS } from '../../../protocol/base/limits.js';

function refusal(text: unknown, options: Parameters<typeof parseAddress>[1] = {}): string {
  try {
    parseAddress(text, options);
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_ADDRESS')) return error.message;
    throw error;
  }
  throw new Error(`${String(text)} was accepted`);
}

const hosts = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom('localhost', 'daq-1', 'host_x', 'fe80::1%eth0'),
);
const ports = fc.integer({ min: 1, max: 65_535 });
const services = fc.oneof(ports, fc.stringMatching(/^[A-Za-z_][A-Za-z0-9._-]{0,20}$/));
const users = fc.stringMatching(/^[\x21-\x7e]{1,20}$/);
const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.record({ scheme: fc.constantFrom('tcp' as const), host: hosts, port: ports }),
  fc.record({ scheme: fc.constantFrom('tls' as const), host: hosts, port: ports }),
  fc.record({ scheme: fc.constant('unix' as const), path: fc.stringMatching(/^\/[\x20-\x7eäß]{0,50}$/) }),
  fc.record({ scheme: fc.constant('spectcl' as const), host: hosts, rest: services, mirror: services }),
  fc.record({
    scheme: fc.constant('spectcl' as const),
    host: hosts,
    rest: services,
    mirror: services,
    user: users,
  }),
);

describe('addresses', () => {
  it('a formatted address parses to the same address', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseAddress(formatAddress(address))).to.deep.equal(address);
      }),
    );
  });

  it('any text is parsed as an address or refused with BAD_ADDRESS', () => {
    const prefixes = fc.constantFrom('', 'tcp://', 'tls://[', 'unix:/', 'spectcl://h?', 'spectcl://h?user=%');
    fc.assert(
      fc.property(prefixes, fc.string({ unit: 'binary' }), (prefix, tail) => {
        try {
          parseAddress(prefix + tail);
        } catch (error) {
          expect(isMirrorflowError(error, 'BAD_ADDRESS')).to.equal(true);
        }
      }),
    );
  });

  it('port 0 is accepted only in an address to listen on', () => {
    expect(parseAddress('tcp://localhost:0', { listening: true })).to.include({ port: 0 });
    expect(refusal('tcp://localhost:0')).to.contain('from 1 to 65535');
  });

  it('an IPv6 address must be enclosed in brackets', () => {
    expect(parseAddress('tcp://[::1]:80')).to.deep.equal({ scheme: 'tcp', host: '::1', port: 80 });
    expect(refusal('spectcl://::1')).to.contain('brackets');
    expect(refusal('tcp://[::1:80')).to.contain('tcp://[::1]:4100');
  });

  it('a SpecTcl address without ports means the service names of SpecTcl', () => {
    expect(parseAddress('spectcl://daq')).to.deep.equal({
      scheme: 'spectcl',
      host: 'daq',
      rest: 'SpecTcl_REST',
      mirror: 'SpecTcl_MIRROR',
    });
  });

  it('a refused address is reported with the reason and a correct example', () => {
    expect(refusal('tcp://localhost'))
      .to.contain('the port is missing')
      .and.to.contain('tcp://localhost:4100');
    expect(refusal('http://x')).to.contain('it must begin with tcp: or tls: or unix: or spectcl:');
    expect(refusal('tcp://h:99999')).to.contain('99999');
    expect(refusal('tcp://300.1.1.1:1')).to.contain('not a host name');
    expect(refusal('unix:relative')).to.contain('absolute');
    expect(refusal('unix:/a\nb')).to.contain('control character');
    expect(refusal('spectcl://h:8000')).to.contain('?rest=');
    expect(refusal('spectcl://h?rest=1&rest=2')).to.contain('twice');
    expect(refusal('spectcl://h?port=1')).to.contain('not one of rest=');
    expect(refusal('spectcl://h?user=%zz')).to.contain('% sequence');
    expect(refusal(7)).to.contain('number');
  });

  it('an address whose scheme is not accepted by the caller is refused', () => {
    expect(refusal('spectcl://h', { schemes: ['tcp', 'unix'] })).to.contain('begin with tcp: or unix:');
  });

  it('a socket path longer than the system allows is refused', () => {
    const fits = `/${'x'.repeat(LIMITS.unixSocketPathBytes - 1)}`;
    expect(parseAddress(`unix:${fits}`)).to.deep.equal({ scheme: 'unix', path: fits });
    expect(refusal(`unix:${fits}x`)).to.contain(`${LIMITS.unixSocketPathBytes + 1} bytes`);
  });
});
