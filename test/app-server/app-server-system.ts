/**
 * App servers as processes in the directories of one test, without a host server and, unless a test
 * asks for real ones, with stand-ins for duplicators. Used by the tests of app-server/ and
 * client-lib/.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appSocketPath, appTokenPath } from '../../protocol/base/paths.js';
import type { Right } from '../../protocol/base/rights.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { appServerArguments } from '../../protocol/rpc/contract/app-server-options.js';
import type { ApplicationOptions, FlowState } from '../../protocol/rpc/contract/shapes.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { eventually } from '../kit/eventually.js';
import { silent } from '../kit/silent-log.js';
import { compiled, type TestProcess } from '../kit/test-process.js';
import { TestRuntime } from '../kit/test-runtime.js';

const STAND_IN = compiled('test/fixtures/app-server/stand-in-duplicator');

/** An address at which no SpecTcl listens; stand-ins do not connect to it. */
export const SOURCE = 'spectcl://127.0.0.1?rest=9&mirror=9';

/** What most tests open: the mirror, and a flow that the client provides. */
export const SPECTRA_INPUT = { flow: 'spectra', direction: 'input' } as const;
export const EVENTS_OUTPUT = {
  flow: 'events',
  direction: 'output',
  bufferSize: 128,
  buffers: 4,
} as const;

/** A client that calls the app server directly, without the client library. */
export interface RpcPeer {
  readonly session: RpcSession;
  readonly call: CallOf<MirrorflowContract>;
  /** The session token that client.present has returned. */
  readonly token: string;
}

type Settings = Omit<ApplicationOptions, 'name'>;

export class AppServerSystem extends TestRuntime {
  readonly #sessions: RpcSession[] = [];

  constructor() {
    super({ flows: 'disk', environment: { MIRRORFLOW_DUPLICATOR: STAND_IN } });
  }

  /** Starts an app server and waits until it accepts sessions. */
  async start(
    settings: Settings = { source: SOURCE },
    name = 'e1',
    env: NodeJS.ProcessEnv = {},
  ): Promise<TestProcess> {
    const server = this.spawn(settings, name, env);
    await eventually(async () => {
      if (server.hasEnded) throw new Error(`the app server ended: ${server.errors}`);
      try {
        (await this.#connect(name)).destroy();
        return this.record(name)?.port || undefined;
      } catch {
        return undefined;
      }
    }, 'the app server accepts sessions');
    return server;
  }

  /** Starts an app server without waiting; `more` is appended to its command line. */
  spawn(
    settings: Settings,
    name = 'e1',
    env: NodeJS.ProcessEnv = {},
    more: readonly string[] = [],
  ): TestProcess {
    const { directory, flowDirectory } = this;
    const args = appServerArguments({ name, ...settings }, { directory, flowDirectory });
    return this.program('app-server/main', [...args, ...more], env);
  }

  /** The token of application e1 for a right; '' while there is none. */
  token(right: Right = 'control'): string {
    return readToken(appTokenPath(this.directory, 'e1', right)) ?? '';
  }

  /** A caller over HTTP with this token. */
  http(port = 0, right: Right = 'control'): HttpRpcClient {
    return new HttpRpcClient({ host: '127.0.0.1', port }, { token: this.token(right) });
  }

  /** A presented client on a permanent connection. */
  async client(name = 'viewer', app = 'e1'): Promise<RpcPeer> {
    const session = await this.#connect(app);
    this.#sessions.push(session);
    const call = callerOf(CONTRACT, session);
    const presented = await call('client.present', [presentation(name)]);
    return { session, call, token: presented.session };
  }

  /** Sets the behaviour of every stand-in that is started from now on. */
  setStandIn(behaviour: 'ready' | 'fail' | 'exit' | 'hang'): void {
    writeFileSync(join(this.directory, 'stand-in'), behaviour);
  }

  /** The process ids of all stand-ins that were started, in order. */
  starts(): number[] {
    return this.read('starts')?.match(/\d+/g)?.map(Number) ?? [];
  }

  /** The record that the app server publishes for other processes. */
  record(name = 'e1'): { pid: number; port: number; options: { source?: string } } | undefined {
    const text = this.read(`apps/${name}.json`);
    return text === undefined
      ? undefined
      : (JSON.parse(text) as { pid: number; port: number; options: object });
  }

  /** Names of the sockets, records and flow files that exist. */
  remainingFiles(): string[] {
    const folders = ['apps', 'links'].map((folder) => join(this.directory, folder));
    return [...folders, join(this.flowDirectory, 'e1')].flatMap((folder) => readdirSync(folder));
  }

  /** Kills all processes and removes the directories. */
  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await this.end(true);
    for (const pid of this.starts()) kill(pid, 'SIGKILL');
    this.remove();
  }

  #connect(app: string): Promise<RpcSession> {
    const path = appSocketPath(this.directory, app, 'control');
    return connectSession<undefined>({ path }, { context: () => undefined, log: silent });
  }
}

export function presentation(name: string) {
  return { name, program: 'a test', pid: process.pid, version: PROTOCOL_VERSION };
}

/** Sends a signal; a process that has ended is ignored. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

/** Gives each test of the suite a system; prints the logs of its servers when the test fails. */
export function eachTestInSystem(setSystem: (system: AppServerSystem) => void): void {
  let system: AppServerSystem;

  beforeEach(() => {
    system = new AppServerSystem();
    setSystem(system);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${system.logs()}\n`);
    await system.stop();
  });
}

export async function stateOf({ call }: Pick<RpcPeer, 'call'>, flow = 'spectra'): Promise<FlowState> {
  return (await call('flow.inquire', [flow])).state;
}

export function isProcessAlive(pid: number): boolean {
  return isAlive({ pid, startTicks: 0n, bootId: ownIdentity().bootId });
}
