/** Authentication of calls over HTTP: with the token, with a proof of the secret, with neither. */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeFileSync } from 'node:fs';
import { systemClock } from '../../../../protocol/base/clock.js';
import { newNonce, prove } from '../../../../protocol/rpc/security/proof.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';
import { decodeResponse, encodeCall } from '../../../../protocol/rpc/xml-rpc/codec.js';
import { HttpAuthentication } from '../../../../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcServer } from '../../../../protocol/rpc/xml-rpc/http-server.js';
import { HttpRpcClient } from '../../../../protocol/rpc/xml-rpc/http-client.js';
import type { RpcValue } from '../../../../protocol/rpc/xml-rpc/values.js';
import { rejection } from './outcome.js';
import { Sample } from './sample-contract.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';
import { needsPython } from '../../../kit/requirements.js';

const TOKEN = '0123456789abcdef'.repeat(4);
const SECRET = 'sixteen bytes or more';
const BOTH = { token: TOKEN, secret: new Secret(SECRET) };
const EXAMPLE = fileURLToPath(new URL('../../../../../examples/python/authenticate.py', import.meta.url));

describe('authentication over HTTP', () => {
  let served: Sample;
  let server: HttpRpcServer<{ caller: string }>;
  let port: number;

  async function serve(secrets: { token?: string; secret?: Secret } = BOTH): Promise<void> {
    served = new Sample();
    server = new HttpRpcServer(served.dispatcher, {
      context: () => ({ caller: 'x' }),
      authentication: new HttpAuthentication({
        rightOfToken: (token) => (token === secrets.token ? 'control' : undefined),
        secret: secrets.secret,
        clock: systemClock,
        log: served.log,
      }),
      log: served.log,
    });
    const bound = await server.listen({ host: '127.0.0.1', port: 0 });
    port = 'port' in bound ? bound.port : 0;
  }

  afterEach(() => server.close());

  function post(authorization: string | undefined, method = 'sample.add', params: RpcValue[] = [1, 2]) {
    return fetch(`http://127.0.0.1:${port}/RPC2`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml', ...(authorization === undefined ? {} : { authorization }) },
      body: new Uint8Array(encodeCall(method, params)),
    });
  }

  const basic = (password: string) => `Basic ${Buffer.from(`any user:${password}`).toString('base64')}`;

  async function proveWith(secret: string): Promise<{ token: string; idleMs: number }> {
    const open = new HttpRpcClient({ host: '127.0.0.1', port });
    try {
      const callerNonce = newNonce();
      const { nonce } = (await open.call('system.challenge', [callerNonce])) as { nonce: Uint8Array };
      const challenge = { channel: 'rpc', callerNonce, listenerNonce: nonce };
      const proof = prove(new Secret(secret), 'caller', challenge);
      return (await open.call('system.authenticate', [nonce, proof])) as {
        token: string;
        idleMs: number;
      };
    } finally {
      open.close();
    }
  }

  it('the token of the directory is accepted as Basic password of any user and as Bearer token', async () => {
    await serve();
    for (const authorization of [basic(TOKEN), `Bearer ${TOKEN}`]) {
      const response = await post(authorization);
      expect(response.status).to.equal(200);
      expect(decodeResponse(Buffer.from(await response.arrayBuffer()))).to.equal(3);
    }
    const client = new HttpRpcClient({ host: '127.0.0.1', port }, { token: TOKEN });
    expect(await client.call('sample.add', [1, 2])).to.equal(3);
    client.close();
  });

  it('a call without a valid token gets 401 with what is required, and nothing about the methods', async () => {
    await serve();
    const calls = [
      [undefined, 'sample.add'],
      [undefined, 'no.such.method'],
      [undefined, 'system.listMethods'],
      [basic('wrong'), 'sample.add'],
      [`Bearer ${TOKEN.slice(1)}`, 'sample.add'],
      [`Digest ${TOKEN}`, 'sample.add'],
    ] as const;
    const texts = new Set<string>();
    for (const [authorization, method] of calls) {
      const response = await post(authorization, method);
      expect(response.status, method).to.equal(401);
      expect(response.headers.get('www-authenticate')).to.match(/^Basic realm="mirrorflow"/);
      texts.add(await response.text());
    }
    expect(texts.size).to.equal(1);
    expect([...texts][0])
      .to.contain('a token file in the runtime directory')
      .and.not.to.contain(TOKEN);
    const none = new HttpRpcClient({ host: '127.0.0.1', port });
    expect((await rejection(none.call('sample.add', [1, 2]))).code).to.equal('NOT_PERMITTED');
    none.close();
  });

  it('a call without a token is not run, and only the length of a proof is read of it', async () => {
    await serve();
    const response = await post(undefined, 'system.challenge', ['x'.repeat(100_000)]);
    expect(response.status).to.equal(401);
    const several = [[{ methodName: 'sample.add', params: [1, 2] }]];
    expect((await post(undefined, 'system.multicall', several)).status).to.equal(401);
  });

  it('a proof of the shared secret yields a token', async () => {
    await serve();
    const { token, idleMs } = await proveWith(SECRET);
    expect(idleMs).to.equal(60_000);
    expect((await post(basic(token))).status).to.equal(200);
    expect((await rejection(proveWith('sixteen other bytes'))).code).to.equal('REFUSED');
  });

  it('too many failures lock an address for proofs but not for callers with a token, and are logged once', async () => {
    await serve();
    for (let attempt = 0; attempt < 10; attempt++) await post(basic('guess'));
    const locked = await post(basic('guess'));
    expect([locked.status, Number(locked.headers.get('retry-after')) > 0]).to.deep.equal([429, true]);
    expect((await post(undefined, 'system.challenge', [newNonce()])).status).to.equal(429);
    expect((await post(basic(TOKEN))).status).to.equal(200);
    expect(served.lines.filter((line) => line.includes('too many failed attempts'))).to.have.length(1);
  });

  it('a proof is refused with the reason when the server has no secret', async () => {
    await serve({});
    expect((await rejection(proveWith(SECRET))).message).to.contain('no shared secret');
    expect((await post(basic(''))).status).to.equal(401);
  });

  describe('from Python', () => {
    before(function () {
      needsPython(this, 'xmlrpc.client');
    });

    it('Python calls with the token in the address', async () => {
      await serve();
      const script = `import xmlrpc.client; print(xmlrpc.client.ServerProxy("http://mirrorflow:${TOKEN}@127.0.0.1:${port}/RPC2").sample.add(1, 2))`;
      expect((await promisify(execFile)('python3', ['-c', script])).stdout).to.equal('3\n');
    });

    it('the Python example proves the secret and calls', async () => {
      await serve();
      const directory = new TemporaryDirectory();
      const file = directory.file('secret');
      writeFileSync(file, `${SECRET}\n`);
      const url = `http://127.0.0.1:${port}`;
      const run = promisify(execFile)('python3', [EXAMPLE, url, file]);
      const { stdout } = await run.finally(() => directory.remove());
      expect(stdout).to.contain('sample.add\n').and.to.contain('system.authenticate\n');
    });
  });
});
