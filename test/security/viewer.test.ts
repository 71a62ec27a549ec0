/** Programs and pages that attack the web viewer without the secret. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { Logger } from '../../protocol/base/log.js';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { readTlsIdentity } from '../../protocol/rpc/security/tls.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../protocol/spectcl/display-writer.js';
import { Budget, costOf, MESSAGE_BUDGET } from '../../web/server/message-budget.js';
import { OTHERS_PER_ADDRESS_MAX, PagePlaces } from '../../web/server/page-places.js';
import { SpectrumCache } from '../../web/server/spectrum-cache.js';
import type { ListeningOptions } from '../../web/server/listening-options.js';
import { WebServer, type WebServerOptions } from '../../web/server/web-server.js';
import { makeCertificate } from '../kit/certificate.js';
import { failureOf } from '../kit/failure-of.js';
import { ManualClock } from '../kit/manual-clock.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';
import { viewerOptions } from '../kit/viewer-options.js';

const SECRET = 'a secret that is shared';
const BEARER = { authorization: `Bearer ${SECRET}` };

describe('an attacker of the web viewer', () => {
  let directory: TemporaryDirectory;
  let server: WebServer | undefined;
  let lines: string[];
  const sockets: (WebSocket | Socket)[] = [];

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    }
    await server?.close();
    server = undefined;
    directory.remove();
  });

  const serverOptions = (listening: Partial<ListeningOptions>): WebServerOptions =>
    viewerOptions(directory.path, { secret: new Secret(SECRET), ...listening });

  async function start(options: Partial<ListeningOptions> = {}): Promise<URL> {
    lines = [];
    const log = new Logger('web', { sink: (line) => lines.push(line) });
    server = await WebServer.start(serverOptions(options), log);
    return new URL(server.address.replace('0.0.0.0', '127.0.0.1'));
  }

  function get(url: URL, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    return send(url, 'GET', headers);
  }

  function post(
    url: URL,
    headers: Record<string, string>,
    body: string,
  ): Promise<{ status: number; text: string }> {
    return send(url, 'POST', headers, body);
  }

  function send(
    url: URL,
    method: 'GET' | 'POST',
    headers: Record<string, string>,
    body?: string,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers }, (answer) => {
        let text = '';
        answer.on('data', (part) => (text += String(part)));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** An open WebSocket of a page, or the status that refused it. */
  async function page(
    { host, port }: URL,
    { headers = {}, autoPong = true }: { headers?: Record<string, string>; autoPong?: boolean } = {},
  ): Promise<WebSocket | number> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, {
      autoPong,
      headers: { origin: `http://${host}`, host, ...headers },
    });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      socket.once('open', () => resolve(socket));
      socket.once('unexpected-response', (sent, { statusCode = 0 }) => {
        sent.destroy();
        resolve(statusCode);
      });
    });
  }

  it('an attacker does not view through a proxy, or under a name of this host that is not loopback', async () => {
    const url = await start({ names: ['127.0.0.1'] });
    expect((await get(new URL('/metrics', url))).status).to.equal(200);
    for (const headers of [{ 'x-forwarded-for': '10.0.0.1' }, { host: `192.168.1.2:${url.port}` }]) {
      expect((await get(new URL('/metrics', url), headers)).status).to.equal(401);
      expect((await get(new URL('/metrics', url), { ...headers, ...BEARER })).status).to.equal(200);
    }
  });

  it('a foreign page, and one that has not signed in, keep and acknowledge no trend and no alarm', async () => {
    const url = await start();
    const { origin, port } = url;
    const evil = `http://evil.example:${port}`;
    for (const path of ['/api/trend', '/api/alarm', '/api/acknowledge']) {
      for (const [headers, status] of [
        [{ origin }, 403],
        [{ origin: evil, ...BEARER }, 403],
        [{ ...BEARER }, 403],
        [{ origin: evil, host: `evil.example:${port}`, ...BEARER }, 421],
        [{ origin, authorization: 'Bearer wrong' }, 403],
      ] as const) {
        const body = JSON.stringify({ app: 'e1', name: 'x', by: 'x', trend: null, rule: null });
        expect((await post(new URL(path, url), headers, body)).status, path).to.equal(status);
      }
      const large = await post(new URL(path, url), { origin, ...BEARER }, 'x'.repeat(100_000));
      expect(large.status, 'a large body').to.equal(413);
    }
    expect(existsSync(directory.file('state'))).to.equal(false);
  });

  it('an attacker does not view without signing in where the viewer has a further name, which needs a secret', async () => {
    const url = await start({ names: ['daq.example'] });
    const host = `daq.example:${url.port}`;
    expect((await get(url, { host })).text).to.equal('<p>sign in</p>');
    expect((await get(new URL('/metrics', url), { host })).status).to.equal(401);
    expect(await page(new URL(`http://${host}`))).to.equal(401);
    expect(await page(new URL(`http://${host}`), { headers: BEARER })).to.be.instanceOf(WebSocket);
    const withoutSecret = serverOptions({ names: ['daq.example'], secret: undefined });
    expect(await failureOf(WebServer.start(withoutSecret, new Logger('web')))).to.include({
      code: 'BAD_OPTION',
    });
  });

  it('an attacker cannot keep the connections of refused upgrades open', async () => {
    const url = await start();
    const closed: Promise<unknown>[] = [];
    for (let count = 0; count < 100; count += 1) {
      // A half-open socket: it never closes its own side.
      const socket = connect({ port: Number(url.port), host: '127.0.0.1', allowHalfOpen: true });
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write(
        `GET /live HTTP/1.1\r\nHost: ${url.host}\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\n` +
          'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      );
      socket.resume();
      closed.push(once(socket, 'end').then(() => connectionIsReset(socket)));
    }
    await Promise.all(closed);
    expect((await get(url)).status).to.equal(200);
    // A hundred refusals are one line.
    expect(lines.filter((line) => line.includes('foreign page'))).to.have.length(1);
  });

  /** Writing to a connection that the other end has closed completely ends with an error. */
  function connectionIsReset(socket: Socket): Promise<unknown> {
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const write = (): void => {
      if (socket.destroyed) return;
      socket.write('x', () => setImmediate(write));
    };
    write();
    return ended;
  }

  it('idle WebSockets of an attacker do not take the places of signed-in browsers', async () => {
    const url = await start();
    const idle = await Promise.all(Array.from({ length: OTHERS_PER_ADDRESS_MAX }, () => page(url)));
    expect(idle.every((socket) => socket instanceof WebSocket)).to.equal(true);
    expect(await page(url)).to.equal(503);
    expect(await page(url, { headers: BEARER })).to.be.instanceOf(WebSocket);
  });

  it('an attacker loses the place of a WebSocket that is silent or does not answer pings', async () => {
    const url = await start();
    const clock = new ManualClock();
    const places = new PagePlaces(clock);
    const silent: WebSocket[] = [];
    for (let count = 0; count < OTHERS_PER_ADDRESS_MAX; count += 1) {
      const socket = (await page(url, { autoPong: false })) as WebSocket;
      silent.push(socket);
      places.add(socket, false, '10.0.0.7');
    }
    expect(places.makeRoom(false, '10.0.0.7')).to.equal(false);
    expect(places.makeRoom(false, '10.0.0.8')).to.equal(true);
    clock.advance(10_000);
    expect(places.makeRoom(false, '10.0.0.7')).to.equal(true);
    expect(places.size).to.equal(OTHERS_PER_ADDRESS_MAX - 1);
    const ended = Promise.all(silent.map((socket) => once(socket, 'close')));
    clock.advance(20_000);
    clock.advance(20_000);
    await ended;
    expect(places.size).to.equal(0);
    places.close();
  });

  it('an attacker cannot make the viewer read the names of all spectra for each name that does not exist', () => {
    const spectra = 500;
    const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + 4 * spectra);
    for (let slot = 0; slot < spectra; slot += 1) {
      const place = { xchans: 1, ychans: 1, channelOffset: slot, xmin: 0, xmax: 1 };
      writeBinding(memory, slot, { name: `s${slot}`, type: 4, ...place });
    }
    let reads = 0;
    const counted = new Proxy(memory, {
      get(target, key) {
        if (key === 'subarray') reads += 1;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const cache = new SpectrumCache();
    for (let name = 0; name < 256; name += 1) cache.acquire(`missing ${name}`);
    cache.commit(cache.compare(counted));
    const readsOfFirst = reads;
    // Name, info and two labels of each spectrum, once.
    expect(readsOfFirst).to.be.lessThan(5 * spectra);
    cache.commit(cache.compare(counted));
    expect(reads - readsOfFirst).to.be.lessThan(10);
    for (let name = 0; name < 256; name += 1) cache.release(`missing ${name}`, 0);
    expect(cache.size).to.equal(0);
  });

  it('an attacker that sends messages without end, which a page never does, is disconnected', async () => {
    const url = await start();
    const socket = (await page(url)) as WebSocket;
    const closed = once(socket, 'close');
    for (let count = 0; count < 500; count += 1) socket.send('{"kind":"app","app":null}');
    expect((await closed)[0]).to.equal(1008);
    // 25 frames a second of 30 views, each acknowledged, and a scrolling list.
    const budget = new Budget(MESSAGE_BUDGET, 0);
    const show = costOf({ kind: 'show', subscriptions: [] }) + 4;
    for (let atMs = 0; atMs < 60_000; atMs += 40) {
      expect(budget.spend(30 * costOf({ kind: 'ack', id: 1 }) + show, atMs)).to.equal(true);
    }
  });

  it('an attacker cannot lock out the owner of the secret with wrong secrets', async () => {
    const url = await start({ names: ['daq.example'] });
    const metrics = new URL('/metrics', url);
    for (let count = 0; count < 20; count += 1)
      expect((await get(metrics, { authorization: 'Bearer wrong' })).status).to.equal(401);
    expect((await get(metrics, BEARER)).status).to.equal(200);
  });

  it('an attacker reads nothing on the line where the viewer has a certificate', async function () {
    const files = makeCertificate(directory.path);
    if (files === undefined) skip(this, 'openssl is not installed, or cannot create a certificate');
    const identity = readTlsIdentity(files.cert, files.key);
    const listen = { scheme: 'tls', host: '0.0.0.0', port: 0 } as const;
    const plainOptions = serverOptions({ identity, listen: { ...listen, scheme: 'tcp' } });
    expect(await failureOf(WebServer.start(plainOptions, new Logger('web')))).to.include({
      code: 'BAD_OPTION',
    });
    const url = await start({ identity, listen });
    expect(url.protocol).to.equal('https:');
    const plain = new URL(`http://127.0.0.1:${url.port}/`);
    expect(await failureOf(get(plain))).to.include({ code: 'ECONNRESET' });
    const answer = await new Promise<{ cookie: string; protocol: string | null }>((resolve, reject) => {
      const sent = requestTls(
        new URL('/sign-in', url),
        { method: 'POST', ca: identity.cert, headers: { origin: url.origin } },
        (response) => {
          const protocol = (response.socket as unknown as { getProtocol(): string | null }).getProtocol();
          response.resume();
          response.on('end', () => resolve({ cookie: String(response.headers['set-cookie']), protocol }));
        },
      );
      sent.on('error', reject);
      sent.end(SECRET);
    });
    expect(answer.protocol).to.equal('TLSv1.3');
    expect(answer.cookie).to.match(/^__Host-mirrorflow-\d+=.*; Secure$/);
  });
});
