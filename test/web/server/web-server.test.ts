/**
 * The server of the viewer as a stranger meets it: what it answers, what it refuses, and what it
 * never does.
 */
import { request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { WebSocket } from 'ws';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { Logger } from '../../../protocol/base/log.js';
import { WebServer, type WebServerOptions } from '../../../web/server/web-server.js';

const SECRET = 'a secret that is shared';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

describe('the server of the web viewer', () => {
  let directory: string;
  let server: WebServer | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    writeFileSync(join(directory, 'index.html'), '<p>page</p>');
    writeFileSync(join(directory, 'gate.html'), '<p>sign in</p>');
    writeFileSync(join(directory, 'page-ABCDEFGH.js'), 'code');
    writeFileSync(join(directory, 'page-ABCDEFGH.js.br'), 'pressed');
  });

  afterEach(async () => {
    await server?.close();
    server = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  async function start(options: Partial<WebServerOptions> = {}): Promise<string> {
    server = await WebServer.start(
      {
        listen: { scheme: 'tcp', host: '127.0.0.1', port: 0 },
        orAnyPort: false,
        names: [],
        secret: undefined,
        directory,
        assets: directory,
        version: '1.2.3',
        ...options,
      },
      new Logger('web', { sink: () => undefined }),
    );
    return server.address.replace('0.0.0.0', '127.0.0.1');
  }

  function ask(
    address: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asking = request(
        new URL(path, address),
        { method: body === undefined ? 'GET' : 'POST', headers },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += String(part)));
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        },
      );
      asking.on('error', reject);
      asking.end(body);
    });
  }

  /** How a WebSocket fares: `open`, or the status it is refused with. */
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

  it('serves the page with a strict policy, compressed, and files with a hash in their name for ever', async () => {
    const address = await start();
    const page = await ask(address, '/');
    expect(page.status).to.equal(200);
    expect(page.headers['content-security-policy']).to.match(/^default-src 'none'; script-src 'self';/);
    expect(page.headers['cache-control']).to.equal('no-cache');
    const again = await ask(address, '/', { 'if-none-match': String(page.headers['etag']) });
    expect(again.status).to.equal(304);
    const script = await ask(address, '/page-ABCDEFGH.js', { 'accept-encoding': 'gzip, br' });
    expect(script).to.include({ status: 200, text: 'pressed' });
    expect(script.headers['content-encoding']).to.equal('br');
    expect(script.headers['cache-control']).to.match(/immutable/);
    expect((await ask(address, '/page-ABCDEFGH.js')).text).to.equal('code');
    for (const path of ['/nothing', '/../package.json', '/%2e%2e/package.json', '/index.html.br']) {
      expect((await ask(address, path)).status, path).to.equal(404);
    }
    expect(JSON.parse((await ask(address, '/healthz')).text)).to.deep.equal({ status: 'ok' });
  });

  it('tells numbers also while there is no host server', async () => {
    const numbers = await ask(await start(), '/metrics');
    expect(numbers.headers['content-type']).to.match(/^text\/plain; version=0\.0\.4/);
    expect(numbers.text).to.include('mirrorflow_host_server_up 0\n');
    expect(numbers.text).to.include('mirrorflow_build_info{version="1.2.3"} 1\n');
  });

  it('refuses requests under a name that is not its own, and WebSockets of other pages', async () => {
    const address = await start();
    const own = new URL(address).host;
    expect((await ask(address, '/', { host: 'evil.example' })).status).to.equal(421);
    expect(await live(address, { origin: `http://${own}` })).to.equal('open');
    expect(await live(address, { origin: 'http://evil.example' })).to.equal('403');
    expect(await live(address, { host: 'evil.example', origin: 'http://evil.example' })).to.equal('403');
    expect(await live(address, {})).to.equal('403');
  });

  it('refuses to listen beyond this machine without a secret', async () => {
    try {
      await start({ listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 } });
      expect.fail('it listens');
    } catch (error) {
      expect(error).to.be.instanceOf(MirrorflowError);
      expect((error as MirrorflowError).code).to.equal('BAD_OPTION');
    }
  });

  it('beyond this machine shows nothing before somebody signed in', async () => {
    const address = await start({
      listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 },
      secret: new Secret(SECRET),
    });
    const origin = address.replace(/\/$/, '');
    expect(await live(address, { origin })).to.equal('401');
    expect((await ask(address, '/')).text).to.equal('<p>sign in</p>');
    expect((await ask(address, '/metrics')).status).to.equal(401);
    expect((await ask(address, '/metrics', { authorization: `Bearer ${SECRET}` })).status).to.equal(200);
    expect((await ask(address, '/sign-in', {}, SECRET)).status).to.equal(403);
    expect((await ask(address, '/sign-in', { origin: 'http://evil.example' }, SECRET)).status).to.equal(403);
    expect((await ask(address, '/sign-in', { origin }, 'wrong')).status).to.equal(403);
    expect((await ask(address, '/sign-in', { origin }, 'x'.repeat(100_000))).status).to.equal(413);
    const signed = await ask(address, '/sign-in', { origin }, SECRET);
    const cookie = String(signed.headers['set-cookie']).split(';')[0] ?? '';
    expect(await live(address, { origin, cookie })).to.equal('open');
    expect((await ask(address, '/', { cookie })).text).to.equal('<p>page</p>');
    expect((await ask(address, '/sign-out', { origin, cookie }, '')).status).to.equal(200);
    expect(await live(address, { origin, cookie })).to.equal('401');
  });

  it('closes the connection of a page that sends garbage, and starts nothing for one that has not signed in', async () => {
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
});
