/**
 * Resources that run out: an error at the operation that hits it, and what runs goes on. Real
 * processes, real limits.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import {
  connect,
  connectHost,
  type Client,
  type HostConnection,
  type OutputFlow,
} from '../../client-lib/index.js';
import { hostSocketPath, linkSocketPath } from '../../protocol/base/paths.js';
import { programPath } from '../../protocol/base/installation.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { eventually } from '../kit/eventually.js';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
const MIB = 1024 * 1024;
const NOBODY = 65534;

describe('a resource that runs out', () => {
  let root: string;
  let directory: string;
  let flows: string;
  const mounts: string[] = [];
  const children: ChildProcess[] = [];
  const closing: (() => unknown)[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    directory = join(root, 'run');
    flows = join(root, 'flows');
    mkdirSync(directory, { mode: 0o750 });
    mkdirSync(flows, { mode: 0o750 });
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await once(child, 'exit');
      clearTimeout(timer);
    }
    for (const path of mounts.splice(0)) execFileSync('umount', ['-l', path]);
    rmSync(root, { recursive: true, force: true });
  });

  /** A small file system of its own at `path`; false where that is not possible. */
  function small(path: string, bytes: number): boolean {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=750`, 'mirrorflow-test', path], {
        stdio: 'ignore',
      });
      mounts.push(path);
      return true;
    } catch {
      return false;
    }
  }
  /** A server whose log is read here; with `limit`, under that limit of file descriptors. */
  function server(words: readonly string[], limit?: number, env: NodeJS.ProcessEnv = {}) {
    const all = [process.execPath, ...words.map((word, index) => (index === 0 ? resolve(DIST, word) : word))];
    const shell = ['sh', '-c', `ulimit -n ${limit}; exec "$@"`, 'sh', ...all];
    const [program = '', ...rest] = limit === undefined ? all : shell;
    const where = { MIRRORFLOW_DIR: directory, MIRRORFLOW_FLOW_DIR: flows, MIRRORFLOW_LOG_FORMAT: 'json' };
    const child = spawn(program, rest, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...where, ...env },
    });
    children.push(child);
    const said = { log: '' };
    child.stderr.on('data', (chunk: Buffer) => (said.log += chunk.toString()));
    return { child, said };
  }
  async function host(limit?: number, env: NodeJS.ProcessEnv = {}) {
    const one = server([programPath('host-server'), '--listen', 'tcp://127.0.0.1:0'], limit, env);
    const connection = await eventually(async () => {
      if (one.child.exitCode !== null) throw new Error(one.said.log);
      return connectHost({ directory }).catch(() => undefined);
    }, 'the host server');
    closing.push(() => connection.close());
    return { ...one, connection };
  }
  async function application(connection: HostConnection, name = 'e1'): Promise<Client> {
    await connection.run({ name });
    const client = await connect({ app: name, name: 'test', directory });
    closing.push(() => client.close());
    return client;
  }
  async function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
    const error: unknown = await promise.then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown,
    );
    if (!isMirrorflowError(error)) throw error;
    return error;
  }
  /** Writes and reads a few buffers. */
  async function runs(
    output: OutputFlow,
    input: { take(): Promise<{ data: Uint8Array } | undefined> },
  ): Promise<void> {
    for (let n = 0; n < 20; n += 1) {
      await output.write(Buffer.alloc(100, n));
      expect((await input.take())?.data[0]).to.equal(n);
    }
  }

  it('a full flow directory refuses the flow that does not fit, with the numbers, and others go on', async function () {
    if (!small(flows, 4 * MIB)) this.skip(); // mounting needs root, and leave of the container
    const { connection } = await host();
    const client = await application(connection);
    const output = await client.openOutput('fits', { bufferSize: 100, buffers: 8 });
    const input = await client.openInput('fits', { inline: true });
    await runs(output, input);
    const big = await failure(client.openOutput('big', { bufferSize: MIB, buffers: 8 }));
    expect(big.code).to.equal('NO_SPACE');
    expect(big.message)
      .to.contain(String(8 * (MIB + 64) + 4096))
      .and.contain('--flow-dir');
    await runs(output, input);
    const other = await client.openOutput('fits-too', { bufferSize: 100, buffers: 8 });
    await other.close();
    await input.close();
    await output.close();
    expect(
      readdirSync(join(flows, 'e1')).filter((name) => name.startsWith('big') || name.endsWith('.tmp')),
    ).to.deep.equal([]);
  });

  it('a full disk under the logs loses lines and nothing else', async function () {
    const logs = join(directory, 'logs');
    mkdirSync(logs, { mode: 0o750 });
    if (!small(logs, 64 * 1024)) this.skip(); // mounting needs root, and leave of the container
    const { connection } = await host();
    const client = await application(connection);
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
    await runs(output, input);
    expect((await client.flows()).map(({ pid }) => pid)).to.deep.equal(before);
    expect((await connection.applications())[0]).to.include({ state: 'running', restarts: 0 });
    await input.close();
    await output.close();
    // What starts while the disk is full is refused or runs without its log, and says why.
    const started = await connection.run({ name: 'late' }).then(
      () => 'runs',
      (error: unknown) => String(error),
    );
    expect(started).to.match(/^runs$|log|space/);
  });

  it('a full runtime directory keeps a server from starting, with the reason, and leaves nothing there', async function () {
    if (!small(directory, 16 * 1024)) this.skip(); // mounting needs root, and leave of the container
    for (const name of ['apps', 'links', 'logs']) mkdirSync(join(directory, name), { mode: 0o750 });
    try {
      for (let n = 0; ; n += 1) writeFileSync(join(directory, 'logs', `filler-${n}`), 'x');
    } catch {
      // full
    }
    const { child, said } = server([programPath('app-server'), '--name', 'e1']);
    await once(child, 'close');
    expect(child.exitCode).to.equal(1);
    expect(said.log).to.contain('NO_SPACE').and.contain('token');
    expect(readdirSync(join(directory, 'apps'))).to.deep.equal([]);
  });

  it('the limit of file descriptors closes connections, and the server neither spins nor dies', async () => {
    const { connection, child } = await host(60);
    const client = await application(connection);
    const sockets: Socket[] = [];
    closing.push(() => sockets.forEach((socket) => socket.destroy()));
    for (let n = 0; n < 100; n += 1) {
      const socket = connectSocket(hostSocketPath(directory));
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    await eventually(() => sockets.some((socket) => socket.closed), 'connections that were turned away');
    const answers = [];
    for (let n = 0; n < 50; n += 1) answers.push((await connection.info()).pid);
    expect(new Set(answers)).to.deep.equal(new Set([child.pid]));
    // At rest it takes next to nothing, however long the machine makes this wait; a process that
    // spins takes all it gets.
    const cpuBefore = cpuTicks(child.pid);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(cpuTicks(child.pid) - cpuBefore).to.be.below(30);
    const refused = await failure(connection.run({ name: 'another' }));
    expect(refused.message).to.match(/EMFILE|too many open files/i);
    for (const socket of sockets) socket.destroy();
    const again = await eventually(() =>
      connectHost({ directory }).catch(() => undefined), 'another connection',
    );
    await again.close();
    await eventually(async () =>
      connection.run({ name: 'another' }).catch(() => undefined), 'the application, now',
    );
    expect((await client.flows()).length).to.equal(0);
  });

  it('the limit of file descriptors turns clients of a flow away, and the flow goes on', async () => {
    const { connection } = await host();
    const client = await application(connection);
    const output = await client.openOutput('events', { bufferSize: 100, buffers: 8 });
    const input = await client.openInput('events', { inline: true });
    const { pid = 0 } = (await client.flows()).find(({ flow }) => flow === 'events') ?? {};
    const used = readdirSync(`/proc/${pid}/fd`).length;
    try {
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${used + 5}`], { stdio: 'ignore' });
    } catch {
      return; // the same is shown for the host server above
    }
    const sockets = Array.from({ length: 30 }, () => {
      const socket = connectSocket(linkSocketPath(directory, 'e1', 'events'));
      return socket.on('error', () => undefined);
    });
    closing.push(() => sockets.forEach((socket) => socket.destroy()));
    await eventually(
      () => sockets.filter((socket) => socket.closed).length > 20,
      'clients that were turned away',
    );
    await runs(output, input);
    await input.close();
    await output.close();
  });

  it('a port that is taken is named, and nothing is left behind', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    closing.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    const { child, said } = server([programPath('host-server'), '--listen', `tcp://127.0.0.1:${port}`]);
    await once(child, 'close');
    expect([
      child.exitCode,
      said.log.includes('ADDRESS_IN_USE'),
      said.log.includes(String(port)),
    ]).to.deep.equal([1, true, true]);
    expect(readdirSync(directory).filter((name) => name.startsWith('host'))).to.deep.equal([]);
    const { connection } = await host();
    const refused = await failure(connection.run({ name: 'e1', port }));
    expect(refused.code).to.equal('ADDRESS_IN_USE');
    expect((await connection.info()).pid).to.be.above(0);
  });

  it('a directory that cannot be written is named', async function () {
    if (process.geteuid?.() !== 0) this.skip(); // a directory of somebody else's needs somebody else
    chmodSync(root, 0o755);
    const words = [join(DIST, 'host-server/main.js'), '--listen', 'tcp://127.0.0.1:0'];
    for (const where of [directory, join(root, 'new')]) {
      const child = spawn(process.execPath, [...words, '--directory', where, '--flow-dir', flows], {
        stdio: ['ignore', 'ignore', 'pipe'],
        uid: NOBODY,
        gid: NOBODY,
        env: { ...process.env, MIRRORFLOW_LOG_FORMAT: 'json' },
      });
      children.push(child);
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await once(child, 'close');
      expect([child.exitCode, log.includes('NOT_PERMITTED'), log.includes(where)], log).to.deep.equal([
        1,
        true,
        true,
      ]);
    }
  });

  it('a clock that is set back stops nothing: data flow, and epochs grow', async () => {
    const step = join(root, 'step.cjs');
    // Every process sees an earlier hour from the moment a file appears.
    writeFileSync(
      step,
      `const real = Date.now, fs = require('fs');
       Date.now = () => real() - (fs.existsSync(${JSON.stringify(join(root, 'back'))}) ? 3600000 : 0);`,
    );
    const { connection } = await host(undefined, { NODE_OPTIONS: `--require ${step}` });
    const client = await application(connection);
    const epochs: number[] = [];
    const open = async (bufferSize: number): Promise<void> => {
      // A flow is defined anew when its duplicator has noticed that its clients have gone.
      await eventually(async () =>
        (await client.flows()).every(({ clients }) => clients === 0), 'a flow without clients',
      );
      const output = await client.openOutput('events', { bufferSize, buffers: 8 });
      const input = await client.openInput('events', { inline: true });
      await runs(output, input);
      epochs.push(epochIn(join(flows, 'e1', 'events.flow')));
      await input.close();
      await output.close();
    };
    await open(100);
    writeFileSync(join(root, 'back'), '');
    await open(200);
    await open(300);
    expect(epochs).to.deep.equal(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).to.equal(3);
    expect((await connection.applications())[0]).to.include({ state: 'running', restarts: 0 });
  });
});

function cpuTicks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function epochIn(path: string): number {
  return Number(readFileSync(path).readBigUInt64LE(64));
}
