/** Users of local connections, found for many connections at once, in both ways. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { systemClock } from '../../../../protocol/base/clock.js';
import { Audience } from '../../../../protocol/host/access/audience.js';
import { ConnectionUsers } from '../../../../protocol/host/access/connection-user.js';
import { diagnose } from '../../../../protocol/host/access/socket-diagnosis.js';
import { eventually } from '../../../kit/eventually.js';

const CONNECTIONS = 50;
const ADDRESSES = [
  { family: 'IPv4', listensOn: '127.0.0.1', host: '127.0.0.1' },
  { family: 'IPv4 at a socket for both families', listensOn: '::', host: '127.0.0.1' },
  { family: 'IPv6', listensOn: '::1', host: '::1' },
];
const WAYS = [
  { way: 'a question for each connection', users: () => new ConnectionUsers() },
  { way: "the kernel's tables", users: () => new ConnectionUsers(() => ({ kind: 'unavailable' })) },
];

describe('the users of local connections', () => {
  let accepted: Socket[];
  let ends: Socket[];

  /** Makes so many connections; `accepted` are the ends of the server. */
  async function makeConnections(
    count: number,
    listensOn: string,
    host: string,
  ): Promise<() => Promise<void>> {
    accepted = [];
    const server = createServer((socket) => accepted.push(socket)).listen(0, listensOn);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    ends = Array.from({ length: count }, () => connect({ port, host }));
    await eventually(() => accepted.length === count, 'all connections are accepted');
    return async () => {
      for (const socket of [...ends, ...accepted]) socket.destroy();
      server.close();
      await once(server, 'close');
    };
  }

  for (const { way, users } of WAYS) {
    for (const { family, listensOn, host } of ADDRESSES) {
      it(`by ${way} the user of each of many connections of ${family} is found, and that of a closed one is unknown`, async () => {
        const close = await makeConnections(CONNECTIONS, listensOn, host);
        try {
          accepted[0]!.destroy();
          const audience = new Audience(systemClock, users());
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
          await close();
        }
      });
    }
  }

  it('a connection that does not exist has no user, also where its port listens', async () => {
    const close = await makeConnections(1, '127.0.0.1', '127.0.0.1');
    try {
      const { localPort = 0 } = accepted[0]!;
      const server = { address: '127.0.0.1', port: localPort };
      for (const port of [1, localPort])
        expect(diagnose(server, { address: '127.0.0.1', port })).to.deep.equal({
          kind: 'found',
          uid: undefined,
        });
    } finally {
      await close();
    }
  });
});
