/** The stream link: the conformance suite of links, and what only streams do. */
import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { expect } from 'chai';

import type { LinkConnection, LinkEnd } from '../../../../protocol/flow/signal-link/link.js';
import { streamLink } from '../../../../protocol/flow/signal-link/stream-link.js';
import { describeLinkConformance } from './conformance.js';

describeLinkConformance('stream', streamLink(), async (path, bytes) => {
  const socket = connect(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return () => void socket.destroy();
});

describe('a stream link alone', () => {
  let directory = '';
  let path = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'link.sock');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function endOfRaw(bytes: Buffer, helloTimeoutMs: number): Promise<LinkEnd> {
    const server = streamLink().createServer({ helloTimeoutMs });
    const ended = new Promise<LinkEnd>((resolve) =>
      server.onConnection((link: LinkConnection) => link.onClose(resolve)),
    );
    await server.listen(path);
    const socket = connect(path);
    socket.on('error', () => {});
    socket.write(bytes);
    const end = await ended;
    socket.destroy();
    await server.close();
    return end;
  }

  it('a stream link closes at a message of an unknown kind', async () => {
    expect(await endOfRaw(Buffer.alloc(16, 0xee), 60_000)).to.have.nested.property(
      'error.code',
      'BAD_MESSAGE',
    );
  });

  it('a stream link closes when the first message stays incomplete', async () => {
    expect(await endOfRaw(Buffer.alloc(15, 1), 50)).to.have.nested.property('error.code', 'TIMED_OUT');
  });

  it('the socket file of a stream link is accessible for owner and group only', async () => {
    const server = streamLink().createServer();
    await server.listen(path);
    expect(lstatSync(path).mode & 0o777).to.equal(0o660);
    await server.close();
  });

  it('a stream link works in a worker thread', async () => {
    const server = streamLink().createServer();
    server.onConnection((link) => link.onMessage((kind, value) => link.signal(kind, value + 1)));
    await server.listen(path);
    const module = new URL('../../../../protocol/flow/signal-link/stream-link.js', import.meta.url).href;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      // Nothing else keeps a thread that waits for a module.
      const alive = setInterval(() => undefined, 1000);
      import(workerData.module).then(async ({ streamLink }) => {
        const link = await streamLink().connect(workerData.path);
        link.onMessage((kind, value) => { parentPort.postMessage(value); link.close(); clearInterval(alive); });
        link.signal(7, 41);
      });`;
    const worker = new Worker(code, { eval: true, workerData: { module, path } });
    expect(await once(worker, 'message')).to.deep.equal([42]);
    await once(worker, 'exit');
    await server.close();
  });
});
