/**
 * App servers as real processes in directories of their own, for one test; stops all it has seen
 * start.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { appServerArguments } from '../../protocol/rpc/contract/app-server-options.js';
import type { ApplicationOptions, FlowState } from '../../protocol/rpc/contract/shapes.js';
import { appSocketPath } from '../../protocol/base/paths.js';
import { Logger } from '../../protocol/base/log.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

const MAIN = fileURLToPath(new URL('../../app-server/main.js', import.meta.url));
const STAND_IN = fileURLToPath(new URL('../fixtures/app-server/stand-in-duplicator.js', import.meta.url));
const DEADLINE_MS = 45_000;
const LOOK_MS = 10;

export const SOURCE = 'spectcl://127.0.0.1?rest=9&mirror=9';
export const silent = new Logger('test', { sink: () => undefined });

/** Polls until `condition` gives something; fails after a deadline, with what was waited for. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What most tests open: the mirror, and a flow that the client provides. */
export const SPECTRA_INPUT = { flow: 'spectra', direction: 'input' } as const;
export const EVENTS_OUTPUT = {
  flow: 'events',
  direction: 'output',
  bufferSize: 128,
  buffers: 4,
} as const;

export interface Peer {
  readonly session: RpcSession;
  readonly call: CallOf<MirrorflowContract>;
  /** The token of client.present. */
  readonly token: string;
}

type Settings = Omit<ApplicationOptions, 'name'>;

export class TestSystem {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly flowDirectory = join(this.directory, 'flows');
  readonly #servers: ChildProcess[] = [];
  readonly #sessions: RpcSession[] = [];

  /** Starts an app server and waits until it takes sessions. */
  async start(
    settings: Settings = { source: SOURCE },
    name = 'e1',
    env: NodeJS.ProcessEnv = {},
  ): Promise<ChildProcess> {
    const server = this.spawn(settings, name, env);
    await eventually('the app server takes sessions', async () => {
      if (server.exitCode !== null) throw new Error(`the app server ended: ${this.log(server)}`);
      try {
        (await this.#connect(name)).destroy();
        return this.record(name)?.port || undefined;
      } catch {
        return undefined;
      }
    });
    return server;
  }

  /** A caller over HTTP that knows the token of the directory. */
  http(port = 0): HttpRpcClient {
    return new HttpRpcClient({ host: '127.0.0.1', port }, { token: readToken(this.directory) ?? '' });
  }

  /** Starts the program without waiting; `more` words end its command line. */
  spawn(
    settings: Settings,
    name = 'e1',
    env: NodeJS.ProcessEnv = {},
    more: readonly string[] = [],
  ): ChildProcess {
    const log = openSync(this.#logOf(this.#servers.length), 'w');
    const { directory, flowDirectory } = this;
    const all = [...appServerArguments({ name, ...settings }, { directory, flowDirectory }), ...more];
    const server = spawn(process.execPath, [MAIN, ...all], {
      stdio: ['ignore', log, log],
      env: { ...process.env, MIRRORFLOW_DUPLICATOR: STAND_IN, ...env },
    });
    closeSync(log);
    this.#servers.push(server);
    return server;
  }

  /** A presented client on a permanent connection. */
  async client(name = 'viewer', app = 'e1'): Promise<Peer> {
    const session = await this.#connect(app);
    this.#sessions.push(session);
    const call = callerOf(CONTRACT, session);
    const presented = await call('client.present', [presentation(name)]);
    return { session, call, token: presented.session };
  }

  /** What every start of a stand-in does from now on. */
  standIn(word: 'ready' | 'fail' | 'exit' | 'hang'): void {
    writeFileSync(join(this.directory, 'stand-in'), word);
  }

  /** The process ids of all stand-ins so far. */
  starts(): number[] {
    return this.read('starts')?.trim().split('\n').map(Number) ?? [];
  }

  read(name: string): string | undefined {
    const path = join(this.directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  record(name = 'e1'): { pid: number; port: number; options: { source?: string } } | undefined {
    const text = this.read(`apps/${name}.json`);
    return text === undefined
      ? undefined
      : (JSON.parse(text) as { pid: number; port: number; options: object });
  }

  /** Sockets, records and flow files that are there. */
  leftovers(): string[] {
    return ['apps', 'links', 'flows/e1'].flatMap((folder) => readdirSync(join(this.directory, folder)));
  }

  log(server: ChildProcess): string {
    return readFileSync(this.#logOf(this.#servers.indexOf(server)), 'utf8');
  }

  /** Everything that the processes of this test have logged; for a test that failed. */
  logs(): string {
    const duplicators = existsSync(join(this.directory, 'logs'))
      ? readdirSync(join(this.directory, 'logs'))
      : [];
    const servers = this.#servers.map((_server, index) => `server-${index}.log`);
    const names = [...servers, ...duplicators.map((name) => join('logs', name))];
    return names.map((name) => `--- ${name}\n${this.read(name) ?? ''}`).join('\n');
  }

  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    for (const server of this.#servers) {
      if (server.exitCode !== null || server.signalCode !== null) continue;
      server.kill('SIGKILL');
      await once(server, 'exit');
    }
    for (const pid of this.starts()) kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #connect(app: string): Promise<RpcSession> {
    const path = appSocketPath(this.directory, app);
    return connectSession<undefined>({ path }, { context: () => undefined, log: silent });
  }

  #logOf(index: number): string {
    return join(this.directory, `server-${index}.log`);
  }
}

export function presentation(name: string) {
  return { name, program: 'a test', pid: process.pid, version: PROTOCOL_VERSION };
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

export async function exitOf(server: ChildProcess): Promise<number | null> {
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  return server.exitCode;
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  const thrown: unknown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  return thrown as Error & { code?: string };
}

/**
 * A system of its own for each test of the suite; what its servers logged is printed when the test
 * fails.
 */
export function inSystems(begin: (fresh: TestSystem) => void): void {
  let system: TestSystem;

  beforeEach(() => {
    system = new TestSystem();
    begin(system);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${system.logs()}\n`);
    await system.stop();
  });
}

export async function stateOf({ call }: Peer, flow = 'spectra'): Promise<FlowState> {
  return (await call('flow.inquire', [flow])).state;
}

export function lives(pid: number): boolean {
  return isAlive({ pid, startTicks: 0n, bootId: ownIdentity().bootId });
}
