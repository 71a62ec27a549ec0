/** Permanent connections: presentation, reconnection with backoff, closing. */
import { expect } from 'chai';
import { once } from 'node:events';
import { duplexPair, type Duplex } from 'node:stream';
import { MirrorflowError } from '../../../../protocol/base/errors.js';
import { LIMITS } from '../../../../protocol/base/limits.js';
import {
  PermanentConnection,
  type PermanentConnectionOptions,
} from '../../../../protocol/rpc/xml-rpc/permanent-connection.js';
import { SessionServer } from '../../../../protocol/rpc/xml-rpc/session-server.js';
import { RpcSession } from '../../../../protocol/rpc/xml-rpc/session.js';
import { Sample, type SampleContext } from './sample-contract.js';
import { rejection } from './outcome.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const TARGET = { path: '/run/nowhere.sock' };

describe('permanent connection', () => {
  let sample: Sample;
  let clock: ManualClock;
  let peers: RpcSession<SampleContext>[];
  let isRefusing: boolean;
  let attempts: number;
  let connection: PermanentConnection<SampleContext>;

  const session = (stream: Duplex): RpcSession<SampleContext> =>
    new RpcSession(stream, {
      dispatcher: sample.dispatcher,
      context: () => ({ caller: 'peer' }),
      log: sample.log,
    });

  function make(options: Partial<PermanentConnectionOptions<SampleContext>> = {}): void {
    connection = new PermanentConnection<SampleContext>(TARGET, {
      context: () => ({ caller: 'x' }),
      log: sample.log,
      clock,
      random: () => 1,
      connect: async () => {
        attempts += 1;
        if (isRefusing) throw new MirrorflowError('TRANSPORT_ERROR', 'refused');
        const [near, far] = duplexPair();
        peers.push(session(far));
        return session(near);
      },
      ...options,
    });
  }

  /** The next event of the connection. */
  const next = (event: 'connected' | 'lost' | 'failed'): Promise<unknown[]> =>
    new Promise((resolve) => {
      connection.once(event, (...values: unknown[]) => resolve(values));
    });

  beforeEach(() => {
    sample = new Sample();
    clock = new ManualClock();
    peers = [];
    isRefusing = false;
    attempts = 0;
    make();
  });

  afterEach(async () => {
    await connection.close();
    for (const peer of peers) peer.destroy();
  });

  it('a connection counts as connected only after its presentation', async () => {
    const presented: unknown[] = [];
    make({
      onConnected: async (session) => {
        expect(connection.state).to.equal('connecting');
        presented.push(await session.call('sample.add', [1, 2]));
      },
    });
    const connected = next('connected');
    connection.start();
    expect((await rejection(connection.call('sample.add', [1, 1]))).code).to.equal('TRANSPORT_ERROR');
    await connected;
    expect(presented).to.deep.equal([3]);
    expect(await connection.call('sample.add', [1, 1])).to.equal(2);
  });

  it('a lost connection is reopened after delays that double up to the bound', async () => {
    const connected = next('connected');
    connection.start();
    await connected;
    isRefusing = true;
    const lost = next('lost');
    await peers[0]?.close();
    await lost;
    expect(connection.state).to.equal('connecting');
    const delays: number[] = [...clock.delaysMs];
    for (let n = 0; n < 6; n++) {
      const failed = next('failed');
      clock.advance(delays.at(-1) ?? 0);
      delays.push((await failed)[1] as number);
    }
    const { reconnectFirstMs, reconnectMaxMs } = LIMITS;
    expect(delays.slice(0, 3)).to.deep.equal([reconnectFirstMs, 2 * reconnectFirstMs, 4 * reconnectFirstMs]);
    expect(delays.at(-1)).to.equal(reconnectMaxMs);
    isRefusing = false;
    const reconnected = next('connected');
    connection.retryNow();
    await reconnected;
    expect(clock.delaysMs).to.deep.equal([]);
    expect(await connection.call('sample.add', [1, 1])).to.equal(2);
  });

  it('the jitter reduces a delay to half at most', async () => {
    isRefusing = true;
    make({ random: () => 0 });
    const failed = next('failed');
    connection.start();
    expect((await failed)[1]).to.equal(LIMITS.reconnectFirstMs / 2);
  });

  it('the connection is retried when the presentation fails or the session ends during it', async () => {
    let presentations = 0;
    make({
      onConnected: async (session) => {
        presentations += 1;
        if (presentations === 1) throw new MirrorflowError('REFUSED', 'not now');
        if (presentations === 2) {
          session.destroy();
          await new Promise(() => undefined);
        }
      },
    });
    const refused = next('failed');
    connection.start();
    expect((await refused)[0]).to.have.property('code', 'REFUSED');
    const died = next('failed');
    connection.retryNow();
    expect((await died)[0]).to.have.property('code', 'CLOSED');
    const connected = next('connected');
    connection.retryNow();
    await connected;
    expect(presentations).to.equal(3);
  });

  it('only one attempt runs at a time, however often a retry is requested', async () => {
    const connected = next('connected');
    connection.start();
    connection.retryNow();
    connection.retryNow();
    await connected;
    connection.retryNow();
    expect(attempts).to.equal(1);
  });

  it('a closed connection makes no further attempt', async () => {
    isRefusing = true;
    const failed = next('failed');
    connection.start();
    await failed;
    await connection.close();
    await connection.close();
    connection.retryNow();
    expect(clock.delaysMs).to.deep.equal([]);
    expect([attempts, connection.state]).to.deep.equal([1, 'closed']);
    expect((await rejection(connection.call('a', []))).code).to.equal('CLOSED');
  });

  it('a session that opens after the connection was closed is closed', async () => {
    let deliver: () => void = () => undefined;
    make({
      connect: async () => {
        const [near, far] = duplexPair();
        peers.push(session(far));
        await new Promise<void>((resolve) => {
          deliver = resolve;
        });
        return session(near);
      },
    });
    connection.start();
    const closed = connection.close();
    deliver();
    await closed;
    await peers[0]?.closed;
  });

  it('a connection reconnects to a restarted server over a Unix socket', async () => {
    const directory = new TemporaryDirectory();
    const target = { path: directory.file('s.sock') };
    const serve = async () => {
      const server = new SessionServer<SampleContext>({
        dispatcher: sample.dispatcher,
        context: () => ({ caller: 'x' }),
        log: sample.log,
      });
      await server.listen(target);
      return server;
    };
    const first = await serve();
    const real = new PermanentConnection(target, { context: () => undefined, log: sample.log });
    try {
      real.start();
      await once(real as unknown as NodeJS.EventEmitter, 'connected');
      const lost = once(real as unknown as NodeJS.EventEmitter, 'lost');
      await first.close();
      await lost;
      const reconnected = once(real as unknown as NodeJS.EventEmitter, 'connected');
      const second = await serve();
      await reconnected;
      expect(await real.call('sample.add', [2, 2])).to.equal(4);
      await real.close();
      await second.close();
    } finally {
      await real.close();
      directory.remove();
    }
  });
});
