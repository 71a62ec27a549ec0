/** Users of local connections, found for many connections at once. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { Audience } from '../../../../protocol/host/access/audience.js';
import { eventually } from '../../../kit/eventually.js';

const CONNECTIONS = 50;

describe('the users of local connections', () => {
  it('the user of each of many connections is found, and that of a closed one is unknown', async () => {
    const accepted: Socket[] = [];
    const server = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ends = Array.from({ length: CONNECTIONS }, () => connect({ port, host: '127.0.0.1' }));
    try {
      await eventually(() => accepted.length === CONNECTIONS, 'all connections are accepted');
      const closed = accepted[0]!;
      closed.destroy();
      const audience = new Audience();
      // Half after the first reading.
      for (const half of [accepted.slice(0, CONNECTIONS / 2), accepted.slice(CONNECTIONS / 2)])
        await Promise.all(half.map((socket) => audience.identify(socket)));
      // What was found stays known when the connections are gone.
      for (const socket of accepted) socket.destroy();
      const readers = { owner: process.geteuid!(), everyone: false, users: [], groups: [] };
      const may = accepted.map((socket) => audience.mayRead({ socket }, readers));
      expect(may[0]).to.equal(false);
      expect(may.slice(1).every(Boolean)).to.equal(true);
    } finally {
      for (const socket of [...ends, ...accepted]) socket.destroy();
      server.close();
      await once(server, 'close');
    }
  });
});
