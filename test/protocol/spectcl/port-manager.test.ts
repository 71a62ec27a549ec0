/** Lookups at the port manager: the port, or an error with what to do. */
import { type Server, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { expect } from 'chai';
import { lookUpService } from '../../../protocol/spectcl/port-manager.js';
import { failureOf } from '../../kit/failure-of.js';

const servers: Server[] = [];

/**
 * A port manager that answers every first line with `answer`, in two pieces; undefined: says
 * nothing.
 */
async function portManager(answer: string | undefined, hangUp = false): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (chunk) => {
      expect(chunk.toString()).to.equal('LIST\n');
      if (answer === undefined) return;
      socket.write(answer.slice(0, 7));
      setImmediate(() => (hangUp ? socket.end(answer.slice(7)) : socket.write(answer.slice(7))));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('looking up a service', () => {
  afterEach(() => servers.splice(0).forEach((server) => server.close()));

  it('a lookup finds the port by exact service and user', async () => {
    const port = await portManager(
      'OK 3\r\n1 SpecTcl_REST fox\r\n2 SpecTcl_REST {f o x}\r\n3 SpecTcl_RESTful fox\r\n',
    );
    expect(await lookUpService('127.0.0.1', 'SpecTcl_REST', 'fox', { port })).to.equal(1);
    expect(await lookUpService('127.0.0.1', 'SpecTcl_REST', 'f o x', { port })).to.equal(2);
  });

  it('a lookup without a user finds the service of the own user', async () => {
    const port = await portManager(`OK 1\n7 SpecTcl_REST {${userInfo().username}}\n`);
    expect(await lookUpService('127.0.0.1', 'SpecTcl_REST', undefined, { port })).to.equal(7);
  });

  it('a lookup that fails names other users with this service', async () => {
    const port = await portManager('OK 1\n7 SpecTcl_REST badger\n');
    const error = await failureOf(lookUpService('127.0.0.1', 'SpecTcl_REST', 'fox', { port }));
    expect(error.code).to.equal('SOURCE_REFUSED');
    expect(error.message).to.match(/user "fox".*badger/);
  });

  it('a FAIL of the port manager is reported with its text', async () => {
    const port = await portManager('FAIL out of order\n');
    const error = await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port }));
    expect(error.code).to.equal('SOURCE_REFUSED');
    expect(error.message).to.match(/out of order/);
  });

  it('the answer of another service is not accepted as a port manager’s', async () => {
    const port = await portManager('HTTP/1.1 400 Bad Request\r\n\r\n');
    const error = await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port }));
    expect(error.code).to.equal('SOURCE_PROTOCOL');
    expect(error.message).to.match(/HTTP\/1.1 400/);
  });

  it('a lookup fails after silence, a closed connection or a refused one', async () => {
    const silent = await portManager(undefined);
    const slow = await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port: silent, timeoutMs: 50 }));
    expect([slow.code, slow.message]).to.deep.equal([
      'SOURCE_UNREACHABLE',
      `The port manager at 127.0.0.1:${silent} cannot be reached: no answer within 50 ms`,
    ]);
    const cut = await portManager('OK 2\n1 a b\n', true);
    expect((await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port: cut }))).message).to.match(
      /before the end of its answer/,
    );
    const closed = await portManager('');
    const server = servers.pop();
    await new Promise((resolve) => server?.close(resolve));
    const refused = await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port: closed }));
    expect(refused.code).to.equal('SOURCE_UNREACHABLE');
    expect(refused.message).to.match(/ECONNREFUSED/);
  });

  it('a lookup can be aborted', async () => {
    const port = await portManager(undefined);
    const given = new AbortController();
    const waiting = failureOf(lookUpService('127.0.0.1', 'a', 'b', { port, signal: given.signal }));
    given.abort();
    expect((await waiting).code).to.equal('CLOSED');
    expect(
      (await failureOf(lookUpService('127.0.0.1', 'a', 'b', { port, signal: given.signal }))).code,
    ).to.equal('CLOSED');
  });
});
