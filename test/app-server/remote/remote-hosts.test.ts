// Which other hosts an app server asks (app-server/remote/remote-hosts.ts).
import { expect } from 'chai';
import { RemoteHosts } from '../../../app-server/remote/remote-hosts.js';

describe('the other hosts of an application', () => {
  it('a host of another site gets messages and questions, and is not asked for flows', async () => {
    const called: string[] = [];
    const hosts = new RemoteHosts((host, { method }) => {
      called.push(`${host} ${method}`);
      return Promise.reject(new Error('no answer'));
    });
    hosts.update('here', [
      { host: 'near', address: '127.0.0.1' },
      { host: 'daq.gsi', site: 'gsi', address: '' },
    ]);
    await hosts.all('remote.inquire', ['events', 0]);
    await hosts.all('remote.claim', ['events', 'writer']);
    await hosts.all('remote.provided', ['events']);
    expect(called).to.deep.equal(['near remote.inquire', 'near remote.claim', 'near remote.provided']);
    called.length = 0;
    await hosts.all('remote.marks', ['events']);
    expect(called).to.deep.equal(['near remote.marks', 'daq.gsi remote.marks']);
    expect(hosts.ofSite('gsi')).to.deep.equal(['daq.gsi']);
    expect(hosts.ofSite('near')).to.deep.equal([]);
    expect(hosts.names).to.deep.equal(['near', 'daq.gsi']);
  });
});
