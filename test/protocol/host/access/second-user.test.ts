/** The access of a second user of the machine, with real processes under another user and group. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { appServerArguments } from '../../../../protocol/rpc/contract/app-server-options.js';
import { connect, type Client } from '../../../../client-lib/index.js';
import type { AccessOptions } from '../../../../protocol/rpc/contract/access-options.js';
import { flowFilePath } from '../../../../protocol/base/paths.js';
import { compiled } from '../../../kit/test-process.js';
import { eventually } from '../../../kit/eventually.js';
import { needsRoot } from '../../../kit/requirements.js';
import { skip } from '../../../kit/skip.js';

const NOBODY = 65534;
/** A group without members on this machine. */
const GROUP = 54_321;
const STAND_IN_PATH = fileURLToPath(new URL('../../../../../test/fixtures/access', import.meta.url));

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
    await client?.close();
    client = undefined;
    if (server !== undefined && server.exitCode === null) {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    server = undefined;
    rmSync(root, { recursive: true, force: true });
  });

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
    expect([connected, read, write]).to.deep.equal(['TRANSPORT_ERROR', 'not tried', 'EACCES']);
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
    expect((await visit()).connected).to.equal('TRANSPORT_ERROR');
    expect(await visit(GROUP)).to.include({ connected: 'done', read: 'done', write: 'EACCES' });
    for (const path of [
      flowFilePath(flows, 'e1', 'events'),
      join(directory, 'apps', 'e1.sock'),
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
    expect(outcome).to.deep.equal({ events: ['lost'], again: 'done' });
    expect(log).to.contain('a provider of another user must open its flow again');
    const input = await client!.openInput('events', { inline: true, start: 'oldest' });
    expect(Buffer.from((await input!.take())!.bytes).toString()).to.equal('after');
  });

  it('a second user has no access with mode private', async () => {
    await serve({ mode: 'private' });
    expect(await visit()).to.include({ connected: 'TRANSPORT_ERROR', write: 'EACCES' });
    expect(mode(join(flows, 'e1'))).to.equal('700');
  });

  it('a reader by name has no access without setfacl, and the log has the reason', async () => {
    await serve({ readers: ['nobody'] }, '/nowhere');
    expect((await visit()).connected).to.equal('TRANSPORT_ERROR');
    expect(log).to.contain('have no access').and.contain('setfacl');
  });

  describe('second user by name', () => {
    before(function () {
      const probe = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
      try {
        execFileSync(join(STAND_IN_PATH, 'setfacl'), ['-b', '-m', 'u:65534:r', '--', probe], {
          stdio: 'ignore',
        });
      } catch {
        skip(this, 'python3 is not installed, or the file system has no access lists');
      } finally {
        rmSync(probe, { recursive: true });
      }
    });
    const path = `${process.env['PATH']}${delimiter}${STAND_IN_PATH}`;

    it('a user on the list of readers reads', async () => {
      await serve({ readers: ['nobody'] }, path);
      expect(await visit()).to.include({ connected: 'done', read: 'done', write: 'EACCES' });
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
