import { expect } from 'chai';
import {
  foreignChildEnvironment,
  ownChildEnvironment,
} from '../../../../protocol/host/process-kit/environment.js';

describe('environment of children', () => {
  const env = { PATH: '/bin', NODE_EXTRA_CA_CERTS: '/etc/certificates.pem' };

  it('keeps Node from reading extra certificates at the start of our own programs', () => {
    expect(ownChildEnvironment(env)).not.to.have.property('NODE_EXTRA_CA_CERTS');
    expect(ownChildEnvironment(env)).to.include({ PATH: '/bin' });
  });

  it('gives programs of others what it was, also through several of ours', () => {
    expect(foreignChildEnvironment(ownChildEnvironment(ownChildEnvironment(env)))).to.deep.equal(env);
    expect(foreignChildEnvironment(env)).to.deep.equal(env);
    expect(foreignChildEnvironment({ PATH: '/bin' })).to.deep.equal({ PATH: '/bin' });
  });
});
