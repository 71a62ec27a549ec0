/**
 * Resources that run out: the operation that meets the limit fails with the reason, and everything
 * that runs continues. Real processes under real limits; needs root to mount small file systems.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  connect,
  connectHost,
  type BorrowedBytes,
  type Client,
  type OutputFlow,
} from '../../client-lib/index.js';
import { hostSocketPath, linkSocketPath } from '../../protocol/base/paths.js';
import { programPath } from '../../protocol/base/installation.js';
import { HEADER_BYTES, SLOT } from '../../protocol/flow/flow-file/layout.js';
import { eventually } from '../kit/eventually.js';
import { failureOf } from '../kit/failure-of.js';
import { RealSystem, type RealSystemOptions } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';
import { compiled } from '../kit/test-process.js';

const MIB = 1024 * 1024;
/** The user id of the user `nobody`. */
const NOBODY = 65534;

describe('a resource that runs out', () => {
  let system: RealSystem;
  const mounts: string[] = [];
  const closing: (() => unknown)[] = [];

  function makeSystem({ environment, ...options }: RealSystemOptions = {}): RealSystem {
    system = new RealSystem({
      ...options,
      environment: { MIRRORFLOW_LOG_FORMAT: 'json', ...environment },
    });
    return system;
  }

  afterEach(async function () {
    for (const close of closing.splice(0).toReversed()) await close();
    await system.end();
    for (const path of mounts.splice(0)) execFileSync('umount', ['-l', path]);
    await system.stop(this.currentTest?.state === 'failed');
  });

  /** Mounts a file system of `bytes` at `path`; skips the test where that is not possible. */
  function mountSmall(context: Mocha.Context, path: string, bytes: number): void {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=750`, 'mirrorflow-test', path], {
        stdio: 'ignore',
      });
      mounts.push(path);
    } catch {
      skip(context, 'mounting a small file system needs root, and a container that permits it');
    }
  }

  async function application(name = 'e1'): Promise<Client> {
    await system.host.run({ name });
    return system.client(name);
  }

  /** Writes twenty buffers and expects to read them. */
  async function expectTransfer(
    output: OutputFlow,
    input: { take(): Promise<{ data: BorrowedBytes } | undefined> },
  ): Promise<void> {
    for (let n = 0; n < 20; n += 1) {
      await output.write(Buffer.alloc(100, n));
      expect((await input.take())?.data[0]).to.equal(n);
    }
  }

  it('a flow that does not fit into the flow directory is refused with its size, and other flows continue', async function () {
    const { flowDirectory } = makeSystem();
    mountSmall(this, flowDirectory, 4 * MIB);
    await system.startHost();
    const client = await application();
    const output = await client.openOutput('fits', { bufferSize: 100, buffers: 8 });
    const input = await client.openInput('fits', { inline: true });
    await expectTransfer(output, input);
    const big = await failureOf(client.openOutput('big', { bufferSize: MIB, buffers: 8 }));
    expect(big.code).to.equal('NO_SPACE');
    expect(big.message)
      .to.contain(String(HEADER_BYTES + 8 * (MIB + SLOT.payload)))
      .and.contain('--flow-dir');
    await expectTransfer(output, input);
    const other = await client.openOutput('fits-too', { bufferSize: 100, buffers: 8 });
    await other.close();
    await input.close();
    await output.close();
    expect(
      readdirSync(join(flowDirectory, 'e1')).filter(
        (name) => name.startsWith('big') || name.endsWith('.tmp'),
      ),
    ).to.deep.equal([]);
  });

  it('a full disk below the logs loses log lines and nothing else', async function () {
    const { directory } = makeSystem();
    const logs = join(directory, 'logs');
    mkdirSync(logs, { mode: 0o750 });
    mountSmall(this, logs, 64 * 1024);
    await system.startHost();
    const client = await application();
    const output = await client.openOutput('events', { bufferSize: 100, buffers: 8 });
    const input = await client.openInput('events', { inline: true });
    let filled = 0;
    try {
      for (; ; filled += 1) writeFileSync(join(logs, `filler-${filled}`), Buffer.alloc(4096));
    } catch {
      // full
    }
    expect(filled).to.be.above(0);
    const before = (await client.flows()).map(({ pid }) => pid);
    // Garbage on the link makes the duplicator log; clients that come and go make the app server
    // log.
    for (let n = 0; n < 20; n += 1) {
      const garbage = connectSocket(linkSocketPath(directory, 'e1', 'events'));
      garbage.on('error', () => undefined);
      garbage.write(Buffer.alloc(64, 0xff));
      await once(garbage, 'close');
      const other = await connect({ app: 'e1', name: `other-${n}`, directory });
      await other.close();
    }
    await expectTransfer(output, input);
    expect((await client.flows()).map(({ pid }) => pid)).to.deep.equal(before);
    expect((await system.host.applications())[0]).to.include({ state: 'running', restarts: 0 });
    await input.close();
    await output.close();
    // An app server that starts while the disk is full runs without a log or fails with the reason.
    const started = await system.host.run({ name: 'late' }).then(
      () => 'runs',
      (error: unknown) => String(error),
    );
    expect(started).to.match(/^runs$|log|space/);
  });

  it('a server does not start in a full runtime directory, reports the reason and leaves no file', async function () {
    const { directory } = makeSystem();
    mountSmall(this, directory, 16 * 1024);
    for (const name of ['apps', 'links', 'logs']) mkdirSync(join(directory, name), { mode: 0o750 });
    try {
      for (let n = 0; ; n += 1) writeFileSync(join(directory, 'logs', `filler-${n}`), 'x');
    } catch {
      // full
    }
    const server = system.program(programPath('app-server'), ['--name', 'e1']);
    expect(await server.end()).to.equal(1);
    expect(server.errors).to.contain('NO_SPACE').and.contain('apps/e1');
    expect(readdirSync(join(directory, 'apps'))).to.deep.equal([]);
  });

  it('a server at its limit of file descriptors closes new connections and neither spins nor ends', async () => {
    const { directory } = makeSystem({
      command: (program, args) => ['sh', ['-c', 'ulimit -n 80; exec "$@"', 'sh', program, ...args]],
    });
    const { pid } = await system.startHost();
    const { host } = system;
    const client = await application();
    const sockets: Socket[] = [];
    closing.push(() => sockets.forEach((socket) => socket.destroy()));
    for (let n = 0; n < 100; n += 1) {
      const socket = connectSocket(hostSocketPath(directory, 'control'));
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    await eventually(() => sockets.some((socket) => socket.closed), 'connections are closed');
    const answers = [];
    for (let n = 0; n < 50; n += 1) answers.push((await host.info()).pid);
    expect(new Set(answers)).to.deep.equal(new Set([pid]));
    // An idle server uses almost no processor time in this second; a spinning one uses all of it.
    const cpuBefore = cpuTicks(pid);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(cpuTicks(pid) - cpuBefore).to.be.below(30);
    const refused = await failureOf(host.run({ name: 'another' }));
    expect(refused.message).to.match(/EMFILE|too many open files/i);
    for (const socket of sockets) socket.destroy();
    const again = await eventually(
      () => connectHost({ directory }).catch(() => undefined),
      'another connection is accepted',
    );
    await again.close();
    await eventually(
      async () => host.run({ name: 'another' }).catch(() => undefined),
      'the application starts',
    );
    expect((await client.flows()).length).to.equal(0);
  });

  it('a duplicator at its limit of file descriptors closes new connections, and the flow continues', async function () {
    const { directory } = makeSystem();
    await system.startHost();
    const client = await application();
    const output = await client.openOutput('events', { bufferSize: 100, buffers: 8 });
    const input = await client.openInput('events', { inline: true });
    const { pid = 0 } = (await client.flows()).find(({ flow }) => flow === 'events') ?? {};
    const used = readdirSync(`/proc/${pid}/fd`).length;
    try {
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${used + 5}`], { stdio: 'ignore' });
    } catch {
      skip(this, 'prlimit (util-linux), which lowers the limit of a running process, failed');
    }
    const sockets = Array.from({ length: 30 }, () => {
      const socket = connectSocket(linkSocketPath(directory, 'e1', 'events'));
      return socket.on('error', () => undefined);
    });
    closing.push(() => sockets.forEach((socket) => socket.destroy()));
    await eventually(
      () => sockets.filter((socket) => socket.closed).length > 20,
      'connections of clients are closed',
    );
    await expectTransfer(output, input);
    await input.close();
    await output.close();
  });

  it('a server whose port is in use reports the port and leaves no file', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closing.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    const { directory } = makeSystem();
    const server = system.program(programPath('host-server'), ['--listen', `tcp://127.0.0.1:${port}`]);
    const exit = await server.end();
    expect([
      exit,
      server.errors.includes('ADDRESS_IN_USE'),
      server.errors.includes(String(port)),
    ]).to.deep.equal([1, true, true]);
    expect(readdirSync(directory).filter((name) => name.startsWith('host'))).to.deep.equal([]);
    await system.startHost();
    const refused = await failureOf(system.host.run({ name: 'e1', port }));
    expect(refused.code).to.equal('ADDRESS_IN_USE');
    expect((await system.host.info()).pid).to.be.above(0);
  });

  it('a server reports a directory that it cannot write', async function () {
    const { root, directory, flowDirectory } = makeSystem();
    if (process.geteuid?.() !== 0) skip(this, 'running a server as another user needs root');
    chmodSync(root, 0o755);
    const args = [compiled('host-server/main'), '--listen', 'tcp://127.0.0.1:0'];
    for (const path of [directory, join(root, 'new')]) {
      const child = spawn(process.execPath, [...args, '--directory', path, '--flow-dir', flowDirectory], {
        stdio: ['ignore', 'ignore', 'pipe'],
        uid: NOBODY,
        gid: NOBODY,
        env: { ...process.env, MIRRORFLOW_LOG_FORMAT: 'json' },
      });
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await once(child, 'close');
      expect([child.exitCode, log.includes('NOT_PERMITTED'), log.includes(path)], log).to.deep.equal([
        1,
        true,
        true,
      ]);
    }
  });

  it('flows continue and epochs grow when the clock is set back', async () => {
    const scratch = new TemporaryDirectory();
    closing.push(() => scratch.remove());
    // Every process of the system sees a clock that is an hour slow once the file `back` exists.
    const step = scratch.file('step.cjs');
    const back = scratch.file('back');
    writeFileSync(
      step,
      `const real = Date.now, fs = require('fs');
       Date.now = () => real() - (fs.existsSync(${JSON.stringify(back)}) ? 3600000 : 0);`,
    );
    const { flowDirectory } = makeSystem({ environment: { NODE_OPTIONS: `--require ${step}` } });
    await system.startHost();
    const client = await application();
    const epochs: number[] = [];
    const open = async (bufferSize: number): Promise<void> => {
      // A flow can be redefined when its duplicator has seen the end of all its clients.
      await eventually(
        async () => (await client.flows()).every(({ clients }) => clients === 0),
        'the flow has no clients',
      );
      const output = await client.openOutput('events', { bufferSize, buffers: 8 });
      const input = await client.openInput('events', { inline: true });
      await expectTransfer(output, input);
      epochs.push(epochIn(join(flowDirectory, 'e1', 'events.flow')));
      await input.close();
      await output.close();
    };
    await open(100);
    writeFileSync(back, '');
    await open(200);
    await open(300);
    expect(epochs).to.deep.equal(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).to.equal(3);
    expect((await system.host.applications())[0]).to.include({ state: 'running', restarts: 0 });
  });
});

function cpuTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function epochIn(path: string): number {
  return Number(readFileSync(path).readBigUInt64LE(64));
}
