/** No other user can connect to a socket before its server has set its mode. */
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect } from 'chai';
import { bindPrivately } from '../../../../protocol/base/files/bind-privately.js';
import { SessionServer } from '../../../../protocol/rpc/xml-rpc/session-server.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

describe('sockets under a umask of 000', () => {
  let directory: TemporaryDirectory;
  let before: number;
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  beforeEach(() => {
    directory = new TemporaryDirectory();
    before = process.umask(0);
  });
  afterEach(() => {
    process.umask(before);
    directory.remove();
  });

  it('a socket file is its owner’s alone from its first moment, and the umask is restored', async () => {
    const path = directory.file('a.sock');
    const server = createServer();
    bindPrivately(() => server.listen({ path }));
    expect(mode(path)).to.equal('700');
    expect(process.umask()).to.equal(0);
    await new Promise((resolve) => server.close(resolve));
  });

  it('a session server is closed to others until it sets the mode that it was given', async () => {
    const path = directory.file('b.sock');
    const server = new SessionServer({ context: () => undefined, log: silent, socketMode: 0o640 });
    const listening = server.listen({ path });
    expect(mode(path)).to.equal('700');
    await listening;
    expect(mode(path)).to.equal('640');
    await server.close();
  });

  it('a failed bind restores the umask', () => {
    expect(() =>
      bindPrivately(() => {
        throw new Error('no');
      }),
    ).to.throw('no');
    expect(process.umask()).to.equal(0);
  });
});
