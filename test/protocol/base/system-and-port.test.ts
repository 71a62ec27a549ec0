/** An address as the two arguments of a duplicator, and back. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../../../protocol/base/address.js';
import { joinAddress, splitAddress } from '../../../protocol/base/system-and-port.js';

describe('an address as system and port', () => {
  it('an address is split into the system and the port to connect to', () => {
    expect(splitAddress('tls://daq:4100')).to.deep.equal({ system: 'tls://daq', port: '4100' });
    expect(splitAddress('tcp://[::1]:1')).to.deep.equal({ system: 'tcp://[::1]', port: '1' });
    expect(splitAddress('spectcl://daq?mirror=8001&rest=8000')).to.deep.equal({
      system: 'spectcl://daq?rest=8000',
      port: '8001',
    });
    expect(splitAddress('spectcl://daq?user=fox')).to.deep.equal({
      system: 'spectcl://daq?rest=SpecTcl_REST&user=fox',
      port: 'SpecTcl_MIRROR',
    });
  });

  it('a split address joins to the same address', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const service = fc.oneof(port.map(String), fc.constantFrom('Run_Mirror', 'a.b-c'));
    const host = fc.constantFrom('daq', '127.0.0.1', '[::1]', 'a-b.example.org');
    const addresses = fc.oneof(
      fc
        .tuple(fc.constantFrom('tcp', 'tls'), host, port)
        .map(([scheme, at, to]) => `${scheme}://${at}:${to}`),
      fc
        .tuple(host, service, service, fc.constantFrom('', '&user=fox', '&user=a%26mirror%3D1'))
        .map(([at, rest, mirror, user]) => `spectcl://${at}?rest=${rest}&mirror=${mirror}${user}`),
    );
    fc.assert(
      fc.property(addresses, (text) => {
        const { system, port: to } = splitAddress(text);
        expect(formatAddress(joinAddress(system, to))).to.equal(formatAddress(parseAddress(text)));
      }),
    );
  });

  it('a system without a scheme is a host over TCP, and a port must not be given twice', () => {
    expect(formatAddress(joinAddress('daq', '4100'))).to.equal('tcp://daq:4100');
    for (const [system, to] of [
      ['tcp://daq:1', '2'],
      ['spectcl://daq?mirror=1', '2'],
      ['daq', undefined],
      ['unix:/s', undefined],
    ] as const) {
      expect(() => joinAddress(system, to), system).to.throw();
    }
  });
});
