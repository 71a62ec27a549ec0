/** The server of sessions: its socket file, and failures to connect. */
import { expect } from 'chai';
import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { connectSession } from '../../../../protocol/rpc/xml-rpc/connect-session.js';
import { SessionServer } from '../../../../protocol/rpc/xml-rpc/session-server.js';
import { Sample } from './sample-contract.js';
import { rejection } from './outcome.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

describe('session servers', () => {
  let directory: TemporaryDirectory;
  let sample: Sample;
  const make = () => new SessionServer({ context: () => undefined, log: sample.log });

  beforeEach(() => {
    directory = new TemporaryDirectory();
    sample = new Sample();
  });
  afterEach(() => directory.remove());

  it('a session server gives its socket file mode 0660 and removes it when it closes', async () => {
    const path = directory.file('a.sock');
    const server = make();
    await server.listen({ path });
    expect(statSync(path).mode & 0o777).to.equal(0o660);
    await server.close();
    expect(existsSync(path)).to.equal(false);
  });

  it('a socket file on which no process listens is replaced', async () => {
    const path = directory.file('a.sock');
    const dead = createServer().listen(directory.file('b.sock'));
    await once(dead, 'listening');
    // Closing removes the file under its bound name only; the renamed file remains without a
    // listener.
    renameSync(directory.file('b.sock'), path);
    await new Promise((resolve) => dead.close(resolve));
    expect(existsSync(path)).to.equal(true);
    const server = make();
    await server.listen({ path });
    const session = await connectSession({ path }, { context: () => undefined, log: sample.log });
    await session.close();
    await server.close();
  });

  it('a socket of a running server and a file that is not a socket are not replaced', async () => {
    const path = directory.file('a.sock');
    const first = make();
    await first.listen({ path });
    expect((await rejection(make().listen({ path }))).code).to.equal('ADDRESS_IN_USE');
    const session = await connectSession({ path }, { context: () => undefined, log: sample.log });
    session.destroy();
    await first.close();
    const file = directory.file('file');
    writeFileSync(file, 'precious');
    expect((await rejection(make().listen({ path: file }))).code).to.equal('ADDRESS_IN_USE');
    expect(existsSync(file)).to.equal(true);
  });

  it('a failed connection is reported with the address', async () => {
    const path = directory.file('none.sock');
    const error = await rejection(connectSession({ path }, { context: () => undefined, log: sample.log }));
    expect(error.code).to.equal('TRANSPORT_ERROR');
    expect(error.message).to.equal(`cannot connect to unix:${path}: no server listens there`);
  });
});
