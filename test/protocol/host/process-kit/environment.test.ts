/** The environment that child processes get. Pure. */
import { expect } from 'chai';
import {
  foreignChildEnvironment,
  ownChildEnvironment,
} from '../../../../protocol/host/process-kit/environment.js';

describe('environment of children', () => {
  const env = { PATH: '/bin', NODE_EXTRA_CA_CERTS: '/etc/certificates.pem' };

  it('a program of this package starts without the certificates of NODE_EXTRA_CA_CERTS', () => {
    expect(ownChildEnvironment(env)).not.to.have.property('NODE_EXTRA_CA_CERTS');
    expect(ownChildEnvironment(env)).to.include({ PATH: '/bin' });
  });

  it('any other program gets NODE_EXTRA_CA_CERTS back, also through several of this package', () => {
    expect(foreignChildEnvironment(ownChildEnvironment(ownChildEnvironment(env)))).to.deep.equal(env);
    expect(foreignChildEnvironment(env)).to.deep.equal(env);
    expect(foreignChildEnvironment({ PATH: '/bin' })).to.deep.equal({ PATH: '/bin' });
  });
});
