/**
 * Tests which leftovers of dead owners the clean-up removes, and which files it never touches. Run
 * by mocha; creates real files and sockets in a temporary directory.
 */
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { cleanUp, type CleanUpOptions } from '../../../../protocol/host/clean-up/clean-up.js';
import { removeAside, type Leftover } from '../../../../protocol/host/clean-up/sweep.js';
import { identityToWire } from '../../../../protocol/rpc/contract/identity-on-wire.js';
import {
  appSocketPath,
  appTokenPath,
  datagramSocketPath,
  flowFilePath,
  hostSocketPath,
  linkSocketPath,
} from '../../../../protocol/base/paths.js';
import { UnixDatagramSocket } from '../../../../protocol/flow/signal-link/unix-datagram.js';
import { createFlowFile } from '../../../../protocol/flow/flow-file/create.js';
import { ownIdentity } from '../../../../protocol/base/owner-identity.js';
import { ownerOfTemporary, temporaryName } from '../../../../protocol/base/files/temporary-name.js';
import { damageHeader } from '../../flow/flow-file/damage.js';
import { needsRoot } from '../../../kit/requirements.js';
import { skip } from '../../../kit/skip.js';

/** A dead owner: its process id belongs to a later process now. */
const DEAD = { ...identityToWire(ownIdentity()), startTicks: 1 };
const LIVING = identityToWire(ownIdentity());
const BEFORE_BOOT = { ...LIVING, bootId: '00000000-0000-0000-0000-000000000000' };

describe('clean-up', () => {
  let root: string;
  let directory: string;
  let flowDirectory: string;
  const servers: Server[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    directory = join(root, 'run');
    flowDirectory = join(root, 'flows');
    for (const folder of ['run/apps', 'run/links', 'run/logs', 'flows'])
      mkdirSync(join(root, folder), { recursive: true });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    rmSync(root, { recursive: true, force: true });
  });

  const clean = (options: Partial<CleanUpOptions> = {}): Promise<readonly Leftover[]> =>
    cleanUp({ directory, flowDirectory, ...options });
  const files = (): string[] =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.endsWith('.claims'))
      .toSorted();
  const folders = ['flows', 'run', 'run/apps', 'run/links', 'run/logs'];

  function flowFile(app: string, flow: string, alive: boolean): string {
    const path = flowFilePath(flowDirectory, app, flow);
    mkdirSync(dirname(path), { recursive: true });
    const identity = { application: app, flow, type: 'bytes', properties: {} };
    const sizes = { slotCount: 2, payloadCapacity: 100, flags: 0, epoch: 1, mode: 0o640 };
    const file = createFlowFile({ path, identity, ...sizes });
    writeFileSync(path.replace(/flow$/, 'image'), 'image');
    if (!alive) damageHeader(file, 'ownerStartTicks', 1);
    return path;
  }
  function record(app: string, identity: object): void {
    writeFileSync(join(directory, 'apps', `${app}.json`), JSON.stringify({ name: app, ...identity }));
  }
  async function listenOn(path: string): Promise<void> {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }
  /** Leaves a socket file whose server was killed. */
  async function leaveSocket(path: string): Promise<void> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${path}.x`, resolve));
    // The name stays when the file has another one while the server closes.
    linkSync(`${path}.x`, path);
    await new Promise((resolve) => server.close(resolve));
  }

  /** The file of a datagram socket whose owner was killed. */
  function leaveDatagramSocket(path: string): void {
    const socket = new UnixDatagramSocket();
    socket.bind(path);
    socket.closeWithoutFile();
  }

  async function createLeftovers(): Promise<void> {
    writeFileSync(join(directory, 'host.json'), JSON.stringify({ ...DEAD, socket: '', port: 1 }));
    await leaveSocket(hostSocketPath(directory, 'control'));
    record('e1', DEAD);
    await leaveSocket(appSocketPath(directory, 'e1', 'control'));
    writeFileSync(appTokenPath(directory, 'e1', 'child'), 'x');
    flowFile('e1', 'spectra', false);
    await leaveSocket(linkSocketPath(directory, 'e1', 'spectra'));
    leaveDatagramSocket(join(directory, 'links', 'client.0123456789abcdef'));
    leaveDatagramSocket(datagramSocketPath(directory, 'e1', 'spectra'));
    writeFileSync(join(flowDirectory, 'e1', `.spectra.image.${process.pid}.1.0123456789ab.tmp`), 'x');
    writeFileSync(join(directory, 'apps', '.e1.json.4194304.77.0123456789ab.tmp'), 'x');
    mkdirSync(join(flowDirectory, 'empty'));
    writeFileSync(join(flowDirectory, 'e1', '.gateway.json'), JSON.stringify({ owner: DEAD }));
  }

  it('the clean-up removes all leftovers of dead owners, and a second run finds none', async () => {
    await createLeftovers();
    const leftovers = await clean();
    expect(leftovers.map(({ outcome }) => outcome)).to.deep.equal(leftovers.map(() => 'removed'));
    expect(files()).to.deep.equal(folders);
    expect(await clean()).to.deep.equal([]);
  });

  it('the clean-up leaves the sockets of living datagram clients alone', async () => {
    const client = new UnixDatagramSocket();
    client.bind(join(directory, 'links', 'client.0123456789abcdef'));
    expect(await clean()).to.deep.equal([]);
    client.close();
    expect(files()).to.deep.equal(folders);
  });

  it('a dry run reports what the clean-up removes, and removes nothing', async () => {
    await createLeftovers();
    const before = files();
    const reported = await clean({ dryRun: true });
    expect(files()).to.deep.equal(before);
    const paths = (leftovers: readonly Leftover[]): string[] => leftovers.map(({ path }) => path).toSorted();
    expect(paths(await clean())).to.deep.equal(paths(reported));
    for (const { why, outcome } of reported) expect([why === '', outcome]).to.deep.equal([false, 'found']);
  });

  it('the clean-up touches no file of a living owner', async () => {
    writeFileSync(join(directory, 'host.json'), JSON.stringify({ ...LIVING, socket: '', port: 1 }));
    await leaveSocket(hostSocketPath(directory, 'control')); // not listening yet
    record('e1', LIVING);
    await leaveSocket(appSocketPath(directory, 'e1', 'control'));
    writeFileSync(appTokenPath(directory, 'e1', 'child'), 'x');
    flowFile('e1', 'spectra', true);
    flowFile('e2', 'spectra', true); // its app server is dead, its duplicator is not
    record('e2', DEAD);
    await leaveSocket(linkSocketPath(directory, 'e2', 'spectra'));
    await leaveSocket(linkSocketPath(directory, 'e2', 'spectra').replace('.sock', '.dgram.0123456789abcdef'));
    writeFileSync(temporaryName(join(flowDirectory, 'e1', 'new.flow')), 'x');
    const before = files();
    expect(await clean()).to.deep.equal([]);
    expect(files()).to.deep.equal(before);
  });

  it('a socket with a listener stays, also when its record names a dead owner', async () => {
    record('e1', DEAD);
    await listenOn(appSocketPath(directory, 'e1', 'control'));
    await listenOn(linkSocketPath(directory, 'e1', 'spectra'));
    const kinds = (await clean()).map(({ kind }) => kind);
    expect(kinds).to.deep.equal(['record']);
  });

  it('flow files stay for a living app server and for one that the host server restarts', async () => {
    record('lives', LIVING);
    flowFile('lives', 'events', false);
    record('died', DEAD);
    flowFile('died', 'events', false);
    record('rebooted', BEFORE_BOOT);
    flowFile('rebooted', 'events', false);
    const removed = (await clean({ hostStarts: true })).map(({ path }) => path);
    expect(removed.filter((path) => !path.includes('rebooted'))).to.deep.equal([]);
    expect(existsSync(flowFilePath(flowDirectory, 'lives', 'events'))).to.equal(true);
    expect(existsSync(flowFilePath(flowDirectory, 'died', 'events'))).to.equal(true);
    expect(existsSync(join(directory, 'apps', 'died.json'))).to.equal(true);
    expect(existsSync(flowFilePath(flowDirectory, 'rebooted', 'events'))).to.equal(false);
    await clean();
    expect(existsSync(flowFilePath(flowDirectory, 'died', 'events'))).to.equal(false);
    expect(existsSync(flowFilePath(flowDirectory, 'lives', 'events'))).to.equal(true);
  });

  it('a file that names no owner stays, however old it is', async () => {
    mkdirSync(join(flowDirectory, 'e1'));
    for (const name of ['notes.txt', '.something.tmp', 'x.flow.bak'])
      writeFileSync(join(flowDirectory, 'e1', name), 'x');
    writeFileSync(join(directory, 'apps', 'e1.json'), 'no record');
    writeFileSync(join(directory, 'logs', 'old.log'), 'x');
    const before = files();
    expect(await clean()).to.deep.equal([]);
    expect(files()).to.deep.equal(before);
  });

  it('the clean-up follows no symbolic link and removes none', async () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    const target = flowFile('e1', 'spectra', false);
    symlinkSync(target, join(elsewhere, 'spectra.flow'));
    unlinkSync(target.replace(/flow$/, 'image'));
    symlinkSync(elsewhere, join(flowDirectory, 'linked'));
    mkdirSync(join(flowDirectory, 'e2'));
    symlinkSync(join(root, 'elsewhere', 'spectra.flow'), join(flowDirectory, 'e2', 'spectra.flow'));
    symlinkSync(join(root, 'precious.json'), join(directory, 'apps', 'e3.json'));
    writeFileSync(join(root, 'precious.json'), JSON.stringify(DEAD));
    await clean();
    expect(readdirSync(elsewhere)).to.deep.equal(['spectra.flow']);
    expect(existsSync(join(root, 'precious.json'))).to.equal(true);
    expect(files()).to.include.members(['flows/linked', 'flows/e2/spectra.flow', 'run/apps/e3.json']);
  });

  it('the clean-up touches no file of another user', async function () {
    needsRoot(this, 'creating a file of another user');
    const path = flowFile('e1', 'spectra', false);
    const image = path.replace(/flow$/, 'image');
    record('e2', DEAD);
    for (const theirs of [path, image, join(directory, 'apps', 'e2.json')]) chownSync(theirs, 65534, 65534);
    const before = files();
    expect(await clean()).to.deep.equal([]);
    expect(files()).to.deep.equal(before);
    chownSync(flowDirectory, 65534, 65534);
    flowFile('e3', 'spectra', false);
    expect(await clean()).to.deep.equal([]);
  });

  it('a path that a new owner has claimed meanwhile is restored', () => {
    const path = join(root, 'taken');
    writeFileSync(path, 'the new owner’s');
    expect(removeAside(path, () => true)).to.equal(false);
    expect(existsSync(path)).to.equal(true);
    expect(removeAside(path, () => false)).to.equal(true);
    expect(existsSync(path)).to.equal(false);
  });

  it('a file that cannot be removed is reported, and the clean-up continues', async function () {
    record('e1', DEAD);
    mkdirSync(join(flowDirectory, 'e2'));
    const name = join(flowDirectory, 'e2', '.a.1.1.0123456789ab.tmp');
    writeFileSync(name, 'x');
    const { execFileSync } = await import('node:child_process');
    try {
      execFileSync('chattr', ['+i', name], { stdio: 'ignore' });
    } catch {
      skip(this, 'an immutable file (chattr +i) needs root and a file system with attributes');
    }
    try {
      const outcomes = (await clean()).map(({ kind, outcome }) => `${kind} ${outcome}`);
      expect(outcomes).to.include('temporary file failed').and.include('record removed');
    } finally {
      execFileSync('chattr', ['-i', name]);
    }
  });
});

describe('temporary name', () => {
  it('a temporary name carries process id and start time of its creator', () => {
    const { pid, startTicks } = ownIdentity();
    for (const base of ['a', 'a.b.c', '.hidden', '1.2.0123456789ab.tmp'])
      expect(ownerOfTemporary(temporaryName(`/x/${base}`).slice(3))).to.deep.equal({ pid, startTicks });
    for (const other of [
      'a.tmp',
      '.a.tmp',
      '.a.1.2.tmp',
      '.a.1.2.0123456789aX.tmp',
      'a.1.2.0123456789ab.tmp',
    ])
      expect(ownerOfTemporary(other)).to.equal(undefined);
  });
});
