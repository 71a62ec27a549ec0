import { hostname } from 'node:os';
import { expect } from 'chai';
import { identifySource, isSameSource } from '../../../host-server/applications/source-identity.js';

describe('the identity of a source', () => {
  async function same(one: string, other: string): Promise<boolean> {
    return isSameSource(await identifySource(one), await identifySource(other));
  }

  it('one SpecTcl is recognised under all names and addresses of this host', async () => {
    const source = 'spectcl://127.0.0.1?rest=8000&mirror=8001';
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', hostname()])
      expect(await same(source, `spectcl://${host}?rest=8000&mirror=8001&user=any`), host).to.equal(true);
  });

  it('sources of other hosts, services or users are not mistaken for one', async () => {
    const source = 'spectcl://127.0.0.1?rest=8000&mirror=8001';
    expect(await same(source, 'spectcl://192.0.2.7?rest=8000&mirror=8001')).to.equal(false);
    expect(await same(source, 'spectcl://127.0.0.1?rest=9000&mirror=9001')).to.equal(false);
    // Nothing answers at 192.0.2.7: services that cannot be looked up are compared as they are.
    const named = (user: string): string => `spectcl://192.0.2.7?rest=REST&mirror=MIRROR&user=${user}`;
    expect(await same(named('one'), named('two'))).to.equal(false);
    expect(await same(named('one'), named('one'))).to.equal(true);
    expect(await same('unix:/a', 'unix:/b')).to.equal(false);
  });
});
