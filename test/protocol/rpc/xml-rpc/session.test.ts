/** Sessions over Unix sockets and TCP. */
import { expect } from 'chai';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeCall } from '../../../../protocol/rpc/xml-rpc/codec.js';
import { connectSession } from '../../../../protocol/rpc/xml-rpc/connect-session.js';
import { encodeFrame } from '../../../../protocol/rpc/xml-rpc/session-framing.js';
import { SessionServer, type SessionServerOptions } from '../../../../protocol/rpc/xml-rpc/session-server.js';
import type { RpcSession } from '../../../../protocol/rpc/xml-rpc/session.js';
import type { RpcTarget } from '../../../../protocol/rpc/xml-rpc/target.js';
import { Sample, type SampleContext } from './sample-contract.js';
import { closeOf, rejection } from './outcome.js';
import { turnsOfEventLoop } from '../../../kit/local-host.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

describe('sessions', () => {
  let directory: TemporaryDirectory;
  let serving: Sample;
  let calling: Sample;
  let target: RpcTarget;
  let server: SessionServer<SampleContext>;
  const sockets: Socket[] = [];

  async function serve(options: Partial<SessionServerOptions<SampleContext>> = {}): Promise<void> {
    server = new SessionServer({
      dispatcher: serving.dispatcher,
      context: () => ({ caller: 'client' }),
      log: serving.log,
      ...options,
    });
    await server.listen(target);
  }

  async function open(options = {}): Promise<[RpcSession<SampleContext>, RpcSession<SampleContext>]> {
    const accepted = new Promise<RpcSession<SampleContext>>((resolve) => server.once('session', resolve));
    const session = await connectSession(target, {
      dispatcher: calling.dispatcher,
      context: () => ({ caller: 'server' }),
      log: calling.log,
      ...options,
    });
    return [session, await accepted];
  }

  async function openRaw(): Promise<Socket> {
    const socket = connect(target as { path: string });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  beforeEach(() => {
    directory = new TemporaryDirectory();
    target = { path: directory.file('session.sock') };
    serving = new Sample();
    calling = new Sample();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const session of server.sessions) session.destroy();
    await server.close();
    directory.remove();
  });

  it('both sides of a session call at the same time, and results arrive in any order', async () => {
    await serve();
    const [client, peer] = await open();
    const slow = client.call('sample.wait', []);
    const fast = client.call('sample.add', [1, 2]);
    const back = peer.call('sample.describe', ['app', { name: 'f', role: 'provider', rates: [] }]);
    expect(await fast).to.equal(3);
    expect(await back).to.have.property('text', 'app/f provider 0 for server');
    serving.waiting[0]?.('at last');
    expect(await slow).to.equal('at last');
    await client.close();
    await peer.closed;
  });

  it('a session carries errors with their facts, and values of 1 MiB', async () => {
    await serve();
    const [client] = await open();
    const error = await rejection(client.call('sample.fail', ['ours']));
    expect([error.code, error.facts]).to.deep.equal(['UNKNOWN_FLOW', { flow: 'x', count: 3 }]);
    expect((await rejection(client.call('sample.fail', ['throw']))).code).to.equal('APPLICATION_ERROR');
    const large = new Uint8Array(1 << 20).fill(7);
    expect(await client.call('sample.echo', [large])).to.deep.equal(large);
    client.destroy();
  });

  it('a session works over TCP', async () => {
    target = { host: '127.0.0.1', port: 0 };
    server = new SessionServer({
      dispatcher: serving.dispatcher,
      context: () => ({ caller: 'x' }),
      log: serving.log,
    });
    target = await server.listen(target);
    const [client] = await open();
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    client.destroy();
  });

  it('waiting calls are rejected at once when the other side dies', async () => {
    await serve();
    const [client, peer] = await open();
    const waiting = [rejection(client.call('sample.wait', [])), rejection(client.call('sample.wait', []))];
    await serving.waitingCalls(2);
    const mine = rejection(peer.call('sample.wait', []));
    await calling.waitingCalls(1);
    peer.destroy();
    expect((await mine).code).to.equal('CLOSED');
    for (const error of await Promise.all(waiting)) expect(error.code).to.equal('CLOSED');
    await client.closed;
    expect((await rejection(client.call('sample.add', [1, 2]))).code).to.equal('CLOSED');
    // Results of handlers that finish later are discarded without an error.
    for (const answer of serving.waiting) answer('too late');
  });

  it('closing a session waits for the calls of both sides and emits close once', async () => {
    await serve();
    const [client, peer] = await open();
    const closes: unknown[] = [];
    client.on('close', (reason) => closes.push(reason));
    const ours = client.call('sample.wait', []);
    const theirs = peer.call('sample.wait', []);
    await Promise.all([serving.waitingCalls(1), calling.waitingCalls(1)]);
    const closed = client.close();
    expect(client.close()).to.equal(closed);
    expect(client.state).to.equal('closing');
    expect((await rejection(client.call('sample.add', [1, 2]))).code).to.equal('CLOSED');
    expect((await rejection(peer.call('sample.add', [1, 2]))).code).to.equal('CLOSED');
    serving.waiting[0]?.('ours');
    calling.waiting[0]?.('theirs');
    expect(await Promise.all([ours, theirs])).to.deep.equal(['ours', 'theirs']);
    await closed;
    await peer.closed;
    expect(closes).to.deep.equal([undefined]);
  });

  it('closing a session waits a bounded time for a running call', async () => {
    await serve();
    const [client] = await open({ limits: { closeGraceMs: 10 } });
    const waiting = rejection(client.call('sample.wait', []));
    await client.close();
    expect((await waiting).code).to.equal('CLOSED');
  });

  it('a call is rejected at its timeout, and its late response is ignored', async () => {
    await serve();
    const clock = new ManualClock();
    const [client] = await open({ clock });
    const late = rejection(client.call('sample.wait', [], { timeoutMs: 50 }));
    await serving.waitingCalls(1);
    clock.advance(50);
    expect((await late).code).to.equal('TIMED_OUT');
    serving.waiting[0]?.('late');
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    expect(calling.logged('response without a waiting call')).to.have.length(1);
    client.destroy();
  });

  it('calls beyond the bound of concurrent calls are refused', async () => {
    await serve({ limits: { runningCalls: 2 } });
    const [client] = await open();
    const calls = [client.call('sample.wait', []), client.call('sample.wait', [])];
    await serving.waitingCalls(2);
    expect((await rejection(client.call('sample.add', [1, 2]))).code).to.equal('LIMIT_REACHED');
    for (const answer of serving.waiting) answer('x');
    expect(await Promise.all(calls)).to.deep.equal(['x', 'x']);
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    client.destroy();
  });

  it('calls and results that are too large are not sent', async () => {
    await serve({ limits: { bodyBytes: 400 } });
    const [client] = await open({ limits: { bodyBytes: 400 } });
    expect((await rejection(client.call('sample.echo', ['x'.repeat(400)]))).message).to.include(
      'the call of',
    );
    const [unlimited] = await open();
    const error = await rejection(unlimited.call('system.listMethods', []));
    expect(error.code).to.equal('TOO_LARGE');
    expect(error.message).to.include('the result of system.listMethods');
    expect(await unlimited.call('sample.echo', ['y'])).to.equal('y');
    client.destroy();
    unlimited.destroy();
  });

  it('a peer that sends no frames or too large a frame is disconnected and logged once', async () => {
    await serve({ limits: { bodyBytes: 1_000 } });
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      encodeFrame('call', 1, new Uint8Array(1_001)),
    ]) {
      const socket = await openRaw();
      socket.write(bytes);
      await closeOf(socket);
    }
    expect(serving.logged('session dropped')).to.have.length(2);
    const [client] = await open();
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    client.destroy();
  });

  it('a call that cannot be parsed is answered with a fault, and the session continues', async () => {
    await serve();
    const socket = await openRaw();
    socket.write(encodeFrame('call', 7, Buffer.from('garbage')));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.readUInt32LE(8)).to.equal(7);
    expect(String(answer)).to.include('-32700');
    socket.write(encodeFrame('call', 8, encodeCall('sample.add', [1, 2])));
    const [second] = (await once(socket, 'data')) as [Buffer];
    expect(String(second)).to.include('<int>3</int>');
  });

  it('a peer that does not complete a message in time is disconnected even if it keeps sending', async () => {
    const clock = new ManualClock();
    await serve({ clock, limits: { frameTimeoutMs: 100 } });
    const socket = await openRaw();
    const closed = closeOf(socket);
    const bytes = encodeFrame('call', 1, encodeCall('sample.wait', []));
    socket.write(bytes.subarray(0, 5));
    await clock.waitForTimer();
    clock.advance(60);
    socket.write(bytes.subarray(5, 20));
    await turnsOfEventLoop();
    expect(clock.delaysMs).to.deep.equal([40]);
    clock.advance(40);
    socket.resume();
    await closed;
    expect(serving.logged('completed within 100 ms')).to.have.length(1);
  });

  it('a message that comes in many pieces is answered, and its time limit ends with it', async () => {
    const clock = new ManualClock();
    await serve({ clock, limits: { frameTimeoutMs: 100 } });
    const socket = await openRaw();
    socket.setNoDelay(true);
    const bytes = encodeFrame('call', 8, encodeCall('sample.add', [1, 2]));
    const answered = once(socket, 'data');
    for (let at = 0; at < bytes.length; at += 20) {
      socket.write(bytes.subarray(at, at + 20));
      await turnsOfEventLoop();
    }
    expect(String((await answered)[0])).to.include('<int>3</int>');
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('a peer that makes calls and does not read the responses is disconnected', async () => {
    await serve({ limits: { unsentBytes: 100_000 } });
    const socket = await openRaw();
    socket.pause();
    const bytes = encodeFrame('call', 1, encodeCall('sample.echo', ['x'.repeat(50_000)]));
    const [session] = [...server.sessions];
    for (let sent = 0; sent < 40; sent++) socket.write(bytes);
    await session?.closed;
    expect(serving.logged('does not read the responses')).to.have.length(1);
  });

  it('a session without a dispatcher answers calls with METHOD_NOT_FOUND', async () => {
    await serve();
    const [client, peer] = await open({ dispatcher: undefined });
    expect((await rejection(peer.call('sample.add', [1, 2]))).code).to.equal('METHOD_NOT_FOUND');
    client.destroy();
  });

  it('a session whose context is refused is closed and logged', async () => {
    await serve({
      context: () => {
        throw new Error('not you');
      },
    });
    const socket = await openRaw();
    await closeOf(socket.resume());
    expect(serving.logged('session refused')).to.have.length(1);
  });

  it('a session serves 50 calls in sequence', async () => {
    await serve();
    const [client] = await open();
    for (let n = 0; n < 50; n++) expect(await client.call('sample.add', [n, 1])).to.equal(n + 1);
    client.destroy();
  });
});
