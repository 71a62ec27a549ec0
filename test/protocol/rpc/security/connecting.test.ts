/** When a host uses TLS only. Pure. */
import { expect } from 'chai';
import { parseAddress } from '../../../../protocol/base/address.js';
import { checkConnecting, needsTls } from '../../../../protocol/rpc/security/connecting.js';

describe('the rule for connections to other hosts', () => {
  const identity = { cert: 'certificate', key: 'key' };
  const address = (text: string) => parseAddress(text, { schemes: ['tcp', 'tls'] });
  const hosts = [
    { identity: undefined, trust: { ca: undefined } },
    { identity, trust: { ca: undefined } },
    { identity: undefined, trust: { ca: 'certificates' } },
    { identity, trust: { ca: 'certificates' } },
  ] as const;

  it('a host with a certificate, or with certificates that it trusts, connects with TLS only', () => {
    expect(hosts.map((host) => needsTls(host as never))).to.deep.equal([false, true, true, true]);
    for (const host of hosts) {
      checkConnecting(address('tls://daq:1'), host as never);
      if (host === hosts[0]) checkConnecting(address('tcp://daq:1'), host as never);
      else
        expect(() => checkConnecting(address('tcp://daq:1'), host as never))
          .to.throw('name it as tls://daq:1')
          .with.property('code', 'REFUSED');
    }
  });
});
