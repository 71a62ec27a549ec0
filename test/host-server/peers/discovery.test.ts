/** Tests which address of an announced host is used. Pure. */
import { expect } from 'chai';
import { addressOf } from '../../../host-server/peers/discovery.js';

describe('hosts that announce themselves', () => {
  it('an announced host is reached by IP address, and with TLS by its name', () => {
    const service = { port: 7390, addresses: ['fe80::1', '10.1.2.3'], host: 'daq.local.' };
    expect(addressOf({ ...service, txt: { version: '1', tls: '0' } })).to.deep.equal({
      scheme: 'tcp',
      host: '10.1.2.3',
      port: 7390,
    });
    expect(addressOf({ ...service, txt: { tls: '1' } })).to.deep.equal({
      scheme: 'tls',
      host: 'daq.local',
      port: 7390,
    });
  });

  it('the address of the sender takes precedence over announced addresses', () => {
    for (const addresses of [[], ['172.17.0.1', '10.1.2.3']]) {
      const service = { port: 7390, addresses, txt: { tls: '0' }, referer: { address: '10.1.2.3' } };
      expect(addressOf(service)?.host).to.equal('10.1.2.3');
    }
  });

  it('an announcement without address, port or name is ignored', () => {
    expect(addressOf({ port: 7390, addresses: [] })).to.equal(undefined);
    expect(addressOf({ port: 0, addresses: ['10.1.2.3'] })).to.equal(undefined);
    expect(addressOf({ addresses: ['10.1.2.3'], txt: null })).to.equal(undefined);
    expect(addressOf({ port: 1, host: '', txt: { tls: '1' } })).to.equal(undefined);
  });
});
