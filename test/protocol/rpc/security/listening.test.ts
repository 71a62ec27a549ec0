/** Tests on which addresses servers may listen without secret and certificate. Pure. */
import { expect } from 'chai';
import { parseAddress } from '../../../../protocol/base/address.js';
import { checkListening } from '../../../../protocol/rpc/security/listening.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';

const IDENTITY = { cert: 'certificate', key: 'key' };

function check(text: string, secret?: Secret, identity?: typeof IDENTITY, ca?: string): void {
  const trust = { ca };
  checkListening(parseAddress(text, { schemes: ['tcp', 'tls'], listening: true }), {
    secret,
    identity,
    trust,
  });
}

describe('the rule for listening', () => {
  it('listening on loopback requires no secret', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '[::1]', 'localhost']) check(`tcp://${host}:0`);
  });

  it('listening for other machines requires a secret, and the error names the option', () => {
    for (const host of ['0.0.0.0', '[::]', 'daq.example.org', '10.0.0.1']) {
      expect(() => check(`tcp://${host}:1`)).to.throw('give --secret-file');
      check(`tcp://${host}:1`, new Secret('0123456789abcdef'));
    }
  });

  it('listening with TLS requires a certificate', () => {
    expect(() => check('tls://127.0.0.1:1')).to.throw('--tls-cert');
  });

  it('a host with certificates listens for other machines with TLS only', () => {
    const secret = new Secret('0123456789abcdef');
    check('tcp://127.0.0.1:1', secret, IDENTITY);
    check('tls://127.0.0.1:1', undefined, IDENTITY);
    check('tls://0.0.0.0:1', secret, IDENTITY, 'certificates');
    expect(() => check('tls://0.0.0.0:1', undefined, IDENTITY)).to.throw('give --secret-file');
    expect(() => check('tcp://0.0.0.0:1', secret, IDENTITY))
      .to.throw('give tls://0.0.0.0:1')
      .and.not.match(/--tls-cert/);
    expect(() => check('tcp://0.0.0.0:1', secret, undefined, 'certificates')).to.throw(
      'and --tls-cert with --tls-key',
    );
  });
});
