/**
 * False announcements on the local network: invented hosts, and hosts that claim not to use TLS.
 */
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { DiscoveredAddresses } from '../../host-server/peers/discovered-addresses.js';
import { addressOf } from '../../host-server/peers/discovery.js';
import { Peers } from '../../host-server/peers/peers.js';
import { formatAddress } from '../../protocol/base/address.js';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { eventually } from '../kit/eventually.js';
import { ManualClock } from '../kit/manual-clock.js';
import { silent } from '../kit/silent-log.js';

const LIMITS = { addresses: 6, perSender: 2, unprovenMs: 1_000 };

describe('announcements of hosts', () => {
  it('on a host with certificates an announcement without TLS gives no address', () => {
    const service = { port: 7390, host: 'daq.local.', referer: { address: '10.1.2.3' } };
    for (const txt of [{ tls: '0' }, {}, undefined, null, { tls: 'yes' }])
      expect(addressOf({ ...service, txt }, true)).to.equal(undefined);
    expect(addressOf({ ...service, txt: { tls: '1' } }, true)).to.deep.equal({
      scheme: 'tls',
      host: 'daq.local',
      port: 7390,
    });
  });

  it('one sender has few places, and its newest announcements replace its oldest', () => {
    const discovered = new DiscoveredAddresses(new ManualClock(), LIMITS);
    expect(discovered.announced('a', 'x')).to.deep.equal({ accepted: true, dropped: [] });
    discovered.announced('b', 'x');
    expect(discovered.announced('c', 'x')).to.deep.equal({ accepted: true, dropped: ['a'] });
    expect(discovered.announced('d', 'y')).to.deep.equal({ accepted: true, dropped: [] });
  });

  it('hosts that proved the secret keep their places when all others are invented', () => {
    const discovered = new DiscoveredAddresses(new ManualClock(), LIMITS);
    discovered.announced('real', 'real');
    discovered.proved('real');
    for (let invented = 0; invented < 100; invented += 1) {
      const { accepted, dropped } = discovered.announced(`invented-${invented}`, `sender-${invented}`);
      expect(accepted).to.equal(true);
      expect(dropped).not.to.include('real');
    }
    expect(discovered.announced('late', 'late').accepted, 'a real newcomer').to.equal(true);
    expect(discovered.has('real')).to.equal(true);
  });

  it('an address that proved nothing is forgotten when it is not announced again', () => {
    const clock = new ManualClock();
    const discovered = new DiscoveredAddresses(clock, LIMITS);
    discovered.announced('a', 'x');
    discovered.announced('b', 'y');
    clock.advance(900);
    discovered.announced('b', 'y');
    clock.advance(200);
    expect(discovered.announced('c', 'z').dropped).to.deep.equal(['a']);
    expect([discovered.has('a'), discovered.has('b')]).to.deep.equal([false, true]);
  });

  it('eighty invented hosts keep no announced and no configured host from being reached', async () => {
    const clock = new ManualClock();
    const tried = new Set<string>();
    const servers = await Promise.all(
      ['announced', 'configured'].map(async (name) => {
        const server = createServer((socket) => {
          tried.add(name);
          socket.destroy();
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return server;
      }),
    );
    const [announced, configured] = servers.map((server) => ({
      scheme: 'tcp' as const,
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
    }));
    const peers = new Peers({
      self: { name: 'here', instance: '1', version: '1' },
      security: {
        files: { secretFile: undefined, tlsCert: undefined, tlsKey: undefined, tlsCa: undefined },
        secret: new Secret('a secret of the whole lab'),
        identity: undefined,
        trust: { ca: undefined },
      },
      session: () => ({ context: (session) => ({ session, right: 'child' }), log: silent }),
      running: () => [],
      clock,
      log: silent,
    });
    try {
      for (let port = 1; port <= 80; port += 1)
        peers.discovered({ scheme: 'tcp', host: `127.7.0.${port}`, port: 9 }, `10.0.0.${port}`);
      if (announced === undefined || configured === undefined) throw new Error('no server listens');
      peers.discovered(announced, '10.0.1.1');
      peers.add(configured);
      await eventually(() => tried.size === 2, 'both were tried');
      const address = formatAddress(configured);
      await eventually(
        () => peers.unreachable().some((peer) => peer.address === address),
        'the configured host is listed with a cause',
      );
    } finally {
      await peers.close();
      await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
    }
  });
});
