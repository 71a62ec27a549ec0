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

  it('a program of this package gets limits for the memory of the C library, unless the user has set some', () => {
    expect(ownChildEnvironment(env)).to.include({ MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '524288' });
    const own = ownChildEnvironment({ ...env, MALLOC_ARENA_MAX: '4' });
    expect(own).to.include({ MALLOC_ARENA_MAX: '4', MALLOC_TRIM_THRESHOLD_: '524288' });
    expect(ownChildEnvironment(own)).to.deep.equal(own);
    expect(foreignChildEnvironment(own)).to.deep.equal({ ...env, MALLOC_ARENA_MAX: '4' });
  });

  it('any other program gets NODE_EXTRA_CA_CERTS back, also through several of this package', () => {
    expect(foreignChildEnvironment(ownChildEnvironment(ownChildEnvironment(env)))).to.deep.equal(env);
    expect(foreignChildEnvironment(env)).to.deep.equal(env);
    expect(foreignChildEnvironment({ PATH: '/bin' })).to.deep.equal({ PATH: '/bin' });
  });
});
