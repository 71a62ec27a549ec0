/**
 * Host servers for tests: in this process with chosen times, or as the real program; both with
 * stand-ins for app servers.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApplicationTimes } from '../../host-server/applications/application-dependencies.js';
import { HostServer } from '../../host-server/host-server.js';
import type { HostServerOptions } from '../../host-server/options.js';
import { SystemdNotifier } from '../../host-server/boot/sd-notify.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { hostSocketPath, logFilePath } from '../../protocol/base/paths.js';
import { Logger } from '../../protocol/base/log.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { readSecurity, securityFiles } from '../../protocol/rpc/security/options.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';

export const PROGRAM = fileURLToPath(new URL('../../host-server/main.js', import.meta.url));
export const STAND_IN = fileURLToPath(new URL('../fixtures/host-server/app-server.js', import.meta.url));

/** As without any option about security. */
const NO_SECURITY = readSecurity(securityFiles({}, {}));

export const silent = new Logger('test', { sink: () => undefined });

/** Polls until `holds`; a test that waits in vain fails with `what`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 45_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** The directories of one test, and what is to be ended behind it. */
export class Place {
  readonly root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly directory = join(this.root, 'run');
  readonly flowDirectory = join(this.root, 'flows');
  readonly #sessions: RpcSession[] = [];
  readonly #servers: HostServer[] = [];
  readonly #programs: ChildProcess[] = [];

  /** A host server in this process. */
  async serve(
    times: Partial<ApplicationTimes> = {},
    applications: readonly ApplicationOptions[] = [],
    given: Partial<HostServerOptions> = {},
  ): Promise<HostServer> {
    const options = {
      directory: this.directory,
      flowDirectory: this.flowDirectory,
      listen: { scheme: 'tcp', host: '127.0.0.1', port: 0 } as HostServerOptions['listen'],
      security: NO_SECURITY,
      network: { hostName: 'here', peers: [], discover: false, dataPorts: undefined },
      applications,
      log: { level: undefined, format: undefined },
      appServer: STAND_IN,
      ...given,
    };
    const server = await HostServer.start(options, silent, new SystemdNotifier({}, silent), times);
    this.#servers.push(server);
    return server;
  }

  /** The host server as its own process. */
  program(args: readonly string[] = [], env: Record<string, string> = {}): Program {
    const where = ['--directory', this.directory, '--flow-dir', this.flowDirectory];
    const all = [...where, '--listen', 'tcp://127.0.0.1:0', '--app-server', STAND_IN, ...args];
    const child = spawn(process.execPath, [PROGRAM, ...all], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MIRRORFLOW_LOG_FORMAT: 'json', ...env },
    });
    this.#programs.push(child);
    return new Program(child);
  }

  async connect(): Promise<CallOf<MirrorflowContract>> {
    const session = await connectSession(
      { path: hostSocketPath(this.directory) },
      { log: silent, context: () => undefined },
    );
    this.#sessions.push(session);
    return callerOf(CONTRACT, session);
  }

  /** Puts a directory where the log of an app server would be. */
  blockLogOf(name: string): void {
    mkdirSync(logFilePath(this.directory, 'app-server', name));
  }

  /** Process ids of the stand-ins that live, by their records. */
  living(): number[] {
    return this.#records().flatMap((pid) => (isAlive({ pid, startTicks: 0n }) ? [pid] : []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await Promise.all(this.#servers.map((server) => server.quit(true)));
    for (const child of this.#programs) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const pid of this.living()) process.kill(pid, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }

  #records(): number[] {
    const folder = join(this.directory, 'apps');
    try {
      return readdirSync(folder)
        .filter((file) => file.endsWith('.json'))
        .map((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number }).pid);
    } catch {
      return [];
    }
  }
}

export class Program {
  readonly child: ChildProcess;
  readonly exit: Promise<number | string>;
  #errors = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.exit = once(child, 'close').then(
      ([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown',
    );
  }

  /** What it has written to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Log lines with this message. */
  logged(message: string): Record<string, unknown>[] {
    return this.#errors
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['message'] === message);
  }

  ready(): Promise<void> {
    return until(`the host server is ready; it said:\n${this.#errors}`, () => {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.#errors}`);
      return this.logged('ready').length > 0;
    });
  }
}
