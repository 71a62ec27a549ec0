/**
 * Host servers in the directories of one test: in this process, with timeouts and intervals that a
 * test may set (`serve`), or as the real program (`spawn`). Their app servers are stand-ins. Used
 * by the tests of host-server/. Starts processes, opens sockets, creates directories; `stop` kills
 * what is left and removes the directories.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplicationTimes } from '../../host-server/applications/application-dependencies.js';
import { HostServer } from '../../host-server/host-server.js';
import type { HostServerOptions } from '../../host-server/options.js';
import { SystemdNotifier } from '../../host-server/boot/sd-notify.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { hostSocketPath, hostTokenPath, logFilePath } from '../../protocol/base/paths.js';
import type { HostRight } from '../../protocol/base/rights.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { readSecurity, securityFiles } from '../../protocol/rpc/security/options.js';
import { proveChild } from '../../protocol/host/process-kit/prove-child.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { silent } from '../kit/silent-log.js';
import { compiled, type TestProcess } from '../kit/test-process.js';
import { TestRuntime } from '../kit/test-runtime.js';

export const PROGRAM = compiled('host-server/main');
export const STAND_IN = compiled('test/fixtures/host-server/app-server');

/** As without any option about security. */
const NO_SECURITY = readSecurity(securityFiles({}, {}));

export class HostServerSystem extends TestRuntime {
  readonly #sessions: RpcSession[] = [];
  readonly #servers: HostServer[] = [];

  constructor() {
    super({
      flows: 'disk',
      createDirectory: false,
      environment: { MIRRORFLOW_LOG_FORMAT: 'json' },
    });
  }

  /** A host server in this process. */
  async serve(
    timing: Partial<ApplicationTimes> = {},
    applications: readonly ApplicationOptions[] = [],
    changes: Partial<HostServerOptions> = {},
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
      ...changes,
    };
    const server = await HostServer.start(options, silent, new SystemdNotifier({}, silent), timing);
    this.#servers.push(server);
    return server;
  }

  /** The host server as a process; `ready` of the result waits for its start. */
  spawn(args: readonly string[] = [], env: Record<string, string> = {}): TestProcess {
    const directories = ['--directory', this.directory, '--flow-dir', this.flowDirectory];
    const defaults = ['--listen', 'tcp://127.0.0.1:0', '--app-server', STAND_IN];
    return this.program('host-server/main', [...directories, ...defaults, ...args], env);
  }

  /**
   * A caller on a permanent connection to the host server of the directory; `child` as a process
   * that it has started.
   */
  async connect(right: HostRight | 'child' = 'control'): Promise<CallOf<MirrorflowContract>> {
    const session = await connectSession(
      { path: hostSocketPath(this.directory, right === 'child' ? 'control' : right) },
      { log: silent, context: () => undefined },
    );
    this.#sessions.push(session);
    if (right === 'child') await proveChild(session, hostTokenPath(this.directory, 'child'));
    return callerOf(CONTRACT, session);
  }

  /** The token for calls over HTTP. */
  token(right: HostRight | 'child' = 'control'): string {
    return readToken(hostTokenPath(this.directory, right)) ?? '';
  }

  /** Creates a directory in place of an app server's log, so that the log cannot be opened. */
  blockLogOf(name: string): void {
    mkdirSync(logFilePath(this.directory, 'app-server', name));
  }

  /** Process ids of the living stand-ins that have a record. */
  living(): number[] {
    // Without a start time any living process with this id counts.
    return this.#recordedPids().filter((pid) => isAlive({ pid, startTicks: 0n }));
  }

  /** Ends all servers and stand-ins and removes the directories. */
  async stop(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await Promise.all(this.#servers.map((server) => server.quit(true)));
    await this.end(true);
    for (const pid of this.living()) process.kill(pid, 'SIGKILL');
    this.remove();
  }

  #recordedPids(): number[] {
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
