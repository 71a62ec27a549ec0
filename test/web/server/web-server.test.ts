/** The web server over HTTP and WebSocket: what it serves and what it refuses. */
import { request } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { WebSocket } from 'ws';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { Logger } from '../../../protocol/base/log.js';
import { JsrootPackage } from '../../../web/server/jsroot-package.js';
import type { ListeningOptions } from '../../../web/server/listening-options.js';
import { WebServer } from '../../../web/server/web-server.js';
import { viewerOptions } from '../../kit/viewer-options.js';

const SECRET = 'a secret that is shared';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

describe('the server of the web viewer', () => {
  let directory: string;
  let pageFolder: string;
  let server: WebServer | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    pageFolder = join(directory, 'page');
    mkdirSync(pageFolder);
    writeFileSync(join(pageFolder, 'page-ABCDEFGH.js'), 'code');
    writeFileSync(join(pageFolder, 'page-ABCDEFGH.js.br'), 'pressed');
  });

  afterEach(async () => {
    await server?.close();
    server = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(listening: Partial<ListeningOptions> = {}, jsroot?: JsrootPackage): Promise<string> {
    const options = { ...viewerOptions(directory, listening), jsroot };
    server = await WebServer.start(options, new Logger('web', { sink: () => undefined }));
    return server.address.replace('0.0.0.0', '127.0.0.1');
  }

  function send(
    address: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, address),
        { method: body === undefined ? 'GET' : 'POST', headers },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += String(part)));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** `open`, or the HTTP status that refuses the WebSocket. */
  function live(address: string, headers: Record<string, string>): Promise<string> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${address.replace('http', 'ws')}live`, { headers });
      socket.on('open', () => {
        socket.close();
        resolve('open');
      });
      socket.on('unexpected-response', (_asked, answer) => resolve(String(answer.statusCode)));
      socket.on('error', () => resolve('error'));
    });
  }

  it('the page is served compressed, with a strict content policy, and hashed files are cached without limit', async () => {
    const address = await start();
    const page = await send(address, '/');
    expect(page.status).to.equal(200);
    expect(page.headers['content-security-policy']).to.match(/^default-src 'none'; script-src 'self';/);
    expect(page.headers['cache-control']).to.equal('no-cache');
    const again = await send(address, '/', { 'if-none-match': String(page.headers['etag']) });
    expect(again.status).to.equal(304);
    const script = await send(address, '/page-ABCDEFGH.js', { 'accept-encoding': 'gzip, br' });
    expect(script).to.include({ status: 200, text: 'pressed' });
    expect(script.headers['content-encoding']).to.equal('br');
    expect(script.headers['cache-control']).to.match(/immutable/);
    expect((await send(address, '/page-ABCDEFGH.js')).text).to.equal('code');
    for (const path of ['/nothing', '/../package.json', '/%2e%2e/package.json', '/index.html.br']) {
      expect((await send(address, path)).status, path).to.equal(404);
    }
    expect(JSON.parse((await send(address, '/healthz')).text)).to.deep.equal({ status: 'ok' });
  });

  it('metrics are served without a host server', async () => {
    const numbers = await send(await start(), '/metrics');
    expect(numbers.headers['content-type']).to.match(/^text\/plain; version=0\.0\.4/);
    expect(numbers.text).to.include('mirrorflow_host_server_up 0\n');
    expect(numbers.text).to.include('mirrorflow_build_info{version="1.2.3"} 1\n');
  });

  it('requests under a foreign name and WebSockets of foreign pages are refused', async () => {
    const address = await start();
    const host = new URL(address).host;
    expect((await send(address, '/', { host: 'evil.example' })).status).to.equal(421);
    expect(await live(address, { origin: `http://${host}` })).to.equal('open');
    expect(await live(address, { origin: 'http://evil.example' })).to.equal('403');
    expect(await live(address, { host: 'evil.example', origin: 'http://evil.example' })).to.equal('403');
    expect(await live(address, {})).to.equal('403');
  });

  it('listening beyond this machine without a secret is refused', async () => {
    try {
      await start({ listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 } });
      expect.fail('the server listens');
    } catch (error) {
      expect(error).to.be.instanceOf(MirrorflowError);
      expect((error as MirrorflowError).code).to.equal('BAD_OPTION');
    }
  });

  it('beyond this machine nothing is shown before signing in', async () => {
    const address = await start({
      listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 },
      secret: new Secret(SECRET),
    });
    const origin = address.replace(/\/$/, '');
    expect(await live(address, { origin })).to.equal('401');
    expect((await send(address, '/')).text).to.equal('<p>sign in</p>');
    expect((await send(address, '/metrics')).status).to.equal(401);
    expect((await send(address, '/metrics', { authorization: `Bearer ${SECRET}` })).status).to.equal(200);
    expect((await send(address, '/sign-in', {}, SECRET)).status).to.equal(403);
    expect((await send(address, '/sign-in', { origin: 'http://evil.example' }, SECRET)).status).to.equal(403);
    expect((await send(address, '/sign-in', { origin }, 'wrong')).status).to.equal(403);
    expect((await send(address, '/sign-in', { origin }, 'x'.repeat(100_000))).status).to.equal(413);
    const signed = await send(address, '/sign-in', { origin }, SECRET);
    const cookie = String(signed.headers['set-cookie']).split(';')[0] ?? '';
    expect(await live(address, { origin, cookie })).to.equal('open');
    expect((await send(address, '/', { cookie })).text).to.equal('<p>page</p>');
    expect((await send(address, '/sign-out', { origin, cookie }, '')).status).to.equal(200);
    expect(await live(address, { origin, cookie })).to.equal('401');
  });

  it('an invalid message closes the WebSocket, and a page that has not signed in starts no application', async () => {
    const address = await start({ secret: new Secret(SECRET) });
    const socket = new WebSocket(`${address.replace('http', 'ws')}live`, {
      headers: { origin: address.replace(/\/$/, '') },
    });
    const answers: Record<string, unknown>[] = [];
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) answers.push(JSON.parse(data.toString()) as Record<string, unknown>);
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ kind: 'control', request: 1, action: 'run', app: 'demo' }));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send('garbage');
    expect(await closed).to.equal(1008);
    expect(answers[0]).to.include({ kind: 'welcome', control: 'sign-in' });
    expect(answers.find(({ kind }) => kind === 'answer'))
      .to.have.property('error')
      .that.matches(/Sign in/);
  });

  /** A package jsroot in a folder of its own, whose script is `content`. */
  function jsroot(content: string): JsrootPackage | undefined {
    const folder = join(directory, 'named');
    mkdirSync(join(folder, 'build'), { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'jsroot', version: '7.11.2' }));
    writeFileSync(join(folder, 'build', 'jsroot.min.js'), content);
    writeFileSync(join(pageFolder, 'jsroot.html'), '<p>drawing</p>');
    return JsrootPackage.find(folder, directory);
  }

  it('JSROOT and its document are served where it is installed, under a content policy of their own', async () => {
    const address = await start({}, jsroot('JSROOT = {};'));
    const document = await send(address, '/jsroot.html?app=e1&spectrum=tof');
    expect(document).to.include({ status: 200, text: '<p>drawing</p>' });
    const policy = String(document.headers['content-security-policy']);
    expect(policy).to.match(/^default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';/);
    expect(policy).not.to.match(/unsafe-eval|https?:/);
    const script = await send(address, '/jsroot.min.js');
    expect(script).to.include({ status: 200, text: 'JSROOT = {};' });
    const etag = String(script.headers['etag']);
    expect((await send(address, '/jsroot.min.js', { 'if-none-match': etag })).status).to.equal(304);
    const answer = await fetch(new URL('/jsroot.min.js', address), {
      headers: { 'accept-encoding': 'gzip' },
    });
    expect(answer.headers.get('content-encoding')).to.equal('gzip');
    expect(await answer.text()).to.equal('JSROOT = {};');
    expect((await send(address, '/')).headers['content-security-policy']).not.to.include('unsafe-inline');
  });

  it('without JSROOT its paths do not exist', async () => {
    writeFileSync(join(pageFolder, 'jsroot.html'), '<p>drawing</p>');
    const address = await start();
    expect((await send(address, '/jsroot.html')).status).to.equal(404);
    expect((await send(address, '/jsroot.min.js')).status).to.equal(404);
  });

  it('JSROOT and its document need signing in where viewing does', async () => {
    const address = await start(
      { listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 }, secret: new Secret(SECRET) },
      jsroot('JSROOT = {};'),
    );
    for (const path of ['/jsroot.html', '/jsroot.min.js']) {
      expect((await send(address, path)).status, path).to.equal(401);
      expect((await send(address, path, { authorization: `Bearer ${SECRET}` })).status, path).to.equal(200);
    }
  });
});
