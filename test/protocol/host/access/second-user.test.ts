/** The access of a second user of the machine, with real processes under another user and group. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { appServerArguments } from '../../../../protocol/rpc/contract/app-server-options.js';
import { connect, type Client } from '../../../../client-lib/index.js';
import type { AccessOptions } from '../../../../protocol/rpc/contract/access-options.js';
import { describeError } from '../../../../protocol/base/errors.js';
import { setAccessList } from '../../../../protocol/host/access/access-list.js';
import { flowFilePath } from '../../../../protocol/base/paths.js';
import { compiled } from '../../../kit/test-process.js';
import { eventually } from '../../../kit/eventually.js';
import { needsRoot } from '../../../kit/requirements.js';
import { skip } from '../../../kit/skip.js';

const NOBODY = 65534;
/** A group without members on this machine. */
const GROUP = 54_321;

interface Visit {
  readonly connected: string;
  readonly read: string;
  readonly write: string;
  readonly provide: string;
}

describe('second user of the machine', () => {
  let root: string;
  let directory: string;
  let flows: string;
  let server: ChildProcess | undefined;
  let client: Client | undefined;
  let log = '';

  before(function () {
    needsRoot(this, 'running a program as another user');
    try {
      const options = { uid: NOBODY, gid: NOBODY, stdio: 'ignore' } as const;
      execFileSync(process.execPath, ['--check', compiled('test/fixtures/access/visitor')], options);
    } catch {
      skip(
        this,
        'the user nobody cannot read this project; run the tests in a folder that all users can read',
      );
    }
  });
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    chmodSync(root, 0o755);
    directory = join(root, 'run');
    flows = join(root, 'flows');
    log = '';
  });
  afterEach(async () => {
    await stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function stop(): Promise<void> {
    await client?.close();
    client = undefined;
    if (server !== undefined && server.exitCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    server = undefined;
    log = '';
  }

  /** An application with one buffer in its flow `events`. */
  async function serve(access: AccessOptions | undefined, path = process.env['PATH']): Promise<void> {
    const settings = { lingerMs: 60_000, ...(access !== undefined && { access }) };
    const words = appServerArguments({ name: 'e1', ...settings }, { directory, flowDirectory: flows });
    server = spawn(process.execPath, [compiled('app-server/main'), ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: path, MIRRORFLOW_LOG_FORMAT: 'json' },
    });
    server.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await eventually(
      () => log.includes('"serving"') || server?.exitCode !== null,
      `an app server; its log is ${log}`,
    );
    client = await connect({ app: 'e1', name: 'owner', directory });
    const output = await client.openOutput('events', { bufferSize: 100, buffers: 4 });
    await output.write(Buffer.from('from the owner'));
    await output.close();
  }

  async function visit(gid: number = NOBODY): Promise<Visit> {
    return (await runAs(gid, 'visitor')) as Visit;
  }

  /** What the program prints that runs as another user. */
  async function runAs(gid: number, program: string): Promise<unknown> {
    const words = [
      compiled(`test/fixtures/access/${program}`),
      directory,
      'e1',
      flowFilePath(flows, 'e1', 'events'),
    ];
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, words, { uid: NOBODY, gid, timeout: 45_000 }, (failed, stdout, stderr) => {
        if (stdout === '') reject(new Error(stderr, { cause: failed }));
        else resolve(stdout);
      });
    });
    return JSON.parse(output);
  }
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('a second user has no access without options', async () => {
    await serve(undefined);
    const { connected, read, write } = await visit();
    expect([connected, read, write]).to.deep.equal(['NOT_PERMITTED', 'not tried', 'EACCES']);
  });

  it('a second user reads and does not write with mode everyone', async () => {
    await serve({ mode: 'everyone' });
    expect(await visit()).to.deep.equal({
      connected: 'done',
      read: 'done',
      write: 'EACCES',
      provide: 'NOT_PERMITTED',
    });
    expect(mode(flowFilePath(flows, 'e1', 'events'))).to.equal('644');
    expect(mode(join(directory, 'links', 'e1@events.sock'))).to.equal('666');
  });

  it('a second user reads as a member of the group only', async () => {
    await serve({ group: String(GROUP) });
    expect((await visit()).connected).to.equal('NOT_PERMITTED');
    expect(await visit(GROUP)).to.include({ connected: 'done', read: 'done', write: 'EACCES' });
    for (const path of [
      flowFilePath(flows, 'e1', 'events'),
      join(directory, 'apps', 'e1.read.sock'),
      join(flows, 'e1'),
    ])
      expect(statSync(path).gid, path).to.equal(GROUP);
  });

  it('a second user provides as a member of a providing group', async () => {
    await serve({ group: String(GROUP), providers: [`@${GROUP}`] });
    expect(await visit(GROUP)).to.deep.equal({
      connected: 'done',
      read: 'done',
      write: 'done',
      provide: 'done',
    });
  });

  it('a provider of another user that truncates its flow file is refused until it opens the flow again', async () => {
    await serve({ group: String(GROUP), providers: [`@${GROUP}`] });
    const outcome = await runAs(GROUP, 'truncating-provider');
    expect(outcome).to.deep.equal({ events: ['end'], again: 'done' });
    expect(log).to.contain('a provider of another user must open its flow again');
    const input = await client!.openInput('events', { inline: true, start: 'oldest' });
    expect(Buffer.from((await input!.take())!.bytes).toString()).to.equal('after');
  });

  it('a second user has no access with mode private', async () => {
    await serve({ mode: 'private' });
    expect(await visit()).to.include({ connected: 'NOT_PERMITTED', write: 'EACCES' });
    expect(mode(join(flows, 'e1'))).to.equal('700');
  });

  describe('second user by name', () => {
    before(function () {
      const probe = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
      try {
        setAccessList(probe, 0o700, [{ kind: 'user', id: NOBODY, bits: 4 }]);
      } catch (error) {
        skip(this, `access lists cannot be set here: ${describeError(error)}`);
      } finally {
        rmSync(probe, { recursive: true });
      }
    });
    /** No program that sets access lists is needed. */
    const path = '/nowhere';

    it('a user on the list of readers reads', async () => {
      await serve({ readers: ['nobody'] }, path);
      expect(await visit()).to.deep.equal({
        connected: 'done',
        read: 'done',
        write: 'EACCES',
        provide: 'NOT_PERMITTED',
      });
    });

    it('a user on the list of providers provides', async () => {
      await serve({ mode: 'private', providers: ['nobody'] }, path);
      expect(await visit()).to.deep.equal({
        connected: 'done',
        read: 'done',
        write: 'done',
        provide: 'done',
      });
    });

    it('a user that is taken off the list has no access after a restart', async () => {
      await serve({ mode: 'private', readers: ['nobody'] }, path);
      await stop();
      await serve({ mode: 'private' }, path);
      expect((await visit()).connected).to.equal('NOT_PERMITTED');
    });
  });

  it('an unknown user in the options keeps the application from starting, with a clear error', async () => {
    const access = { readers: ['no-such-user'] };
    const words = appServerArguments({ name: 'e1', access }, { directory, flowDirectory: flows });
    const refused = spawn(process.execPath, [compiled('app-server/main'), ...words], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    refused.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    await once(refused, 'close');
    expect(log).to.contain('there is no user no-such-user on this machine');
  });
});
