/** The gateway's mirror service with clients that stop reading, disconnect, or are slow. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect } from 'chai';
import { MirrorDirectory } from '../../gateway/mirror-directory.js';
import { MirrorService } from '../../gateway/mirror-service.js';
import type { Lease } from '../../gateway/publications.js';
import { Logger } from '../../protocol/base/log.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { MirrorTestClient } from '../simulator/mirror-test-client.js';
import { eventually } from '../kit/eventually.js';
import { ManualClock } from '../kit/manual-clock.js';

describe('the mirror service of a gateway', () => {
  let server: Server;
  let service: MirrorService;
  let peers: MirrorTestClient[];
  let leased = 0;
  let clock: ManualClock;
  let newest: () => Promise<Lease>;
  const lines: string[] = [];
  let isPermitted: boolean;
  let userLookups: number;

  beforeEach(async () => {
    peers = [];
    lines.length = 0;
    isPermitted = true;
    userLookups = 0;
    clock = new ManualClock();
    const memory = Buffer.alloc(64 * 2 ** 20, 7);
    newest = () => {
      leased += 1;
      return Promise.resolve({ memory, headerVersion: 1, release: () => (leased -= 1) });
    };
    service = new MirrorService({
      mayRead: () => {
        userLookups += 1;
        return Promise.resolve(isPermitted);
      },
      newest: () => newest(),
      directory: new MirrorDirectory(),
      clock,
      log: new Logger('test', { sink: (line) => lines.push(line) }),
    });
    server = createServer((socket) => service.accept(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    for (const peer of peers) peer.close();
    service.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function peer(): Promise<MirrorTestClient> {
    const connected = await MirrorTestClient.connect((server.address() as AddressInfo).port);
    peers.push(connected);
    return connected;
  }

  async function stuck(): Promise<MirrorTestClient> {
    const slow = await peer();
    slow.pause();
    slow.send(Buffer.from('\x08\0\0\0\x02\0\0\0'));
    await eventually(() => leased === 1);
    return slow;
  }

  it('a buffer is released when it is sent and when its client disconnects', async () => {
    await (await peer()).update();
    await eventually(() => leased === 0);
    const slow = await stuck();
    slow.close();
    await eventually(() => leased === 0 && service.clients === 1);
  });

  it('a client that stops reading is closed', async () => {
    await stuck();
    clock.advance(31_000);
    await eventually(() => leased === 0 && service.clients === 0);
    expect(lines.join('')).to.match(/did not take 1048576 bytes within 30000 ms/);
  });

  it('a slow client is closed only when its buffer is needed', async () => {
    await stuck();
    service.closeSlow();
    expect(service.clients).to.equal(1);
    clock.advance(2_500);
    service.closeSlow();
    await eventually(() => leased === 0 && service.clients === 0);
  });

  it('without a mirror a request closes the connection', async () => {
    newest = () => Promise.reject(new MirrorflowError('SOURCE_UNREACHABLE', 'there is no SpecTcl'));
    const asking = await peer();
    asking.send(Buffer.from('\x08\0\0\0\x02\0\0\0'));
    expect(await asking.closed()).to.have.length(0);
    expect(lines.join('')).to.match(/there is no SpecTcl/);
  });

  it('the user of a connection is looked up at its first request, and not for a flood without one', async () => {
    for (let flood = 0; flood < 20; flood += 1) (await peer()).send(Buffer.alloc(64, 0xa5));
    await eventually(() => service.clients === 0, 'the connections are closed');
    expect(userLookups).to.equal(0);
    const asking = await peer();
    await asking.update();
    await asking.update();
    expect(userLookups).to.equal(1);
  });

  it('a user who may not read gets no answer', async () => {
    isPermitted = false;
    const asking = await peer();
    asking.send(Buffer.from('\x08\0\0\0\x02\0\0\0'));
    expect(await asking.closed()).to.have.length(0);
    expect(leased).to.equal(0);
  });

  it('requests that arrive together are answered one after another', async () => {
    const eager = await peer();
    eager.send(Buffer.from('\x08\0\0\0\x02\0\0\0'.repeat(3)));
    const full = Buffer.from(await eager.take(8 + 64 * 2 ** 20));
    expect([full.readUInt32LE(0), full.readUInt32LE(4)]).to.deep.equal([8 + 64 * 2 ** 20, 3]);
    const partial = Buffer.from(await eager.take(8));
    expect([partial.readUInt32LE(0), partial.readUInt32LE(4)]).to.deep.equal([
      8 + 64 * 2 ** 20 - 5_600_000,
      4,
    ]);
  });
});
