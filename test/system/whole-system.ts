/**
 * A whole mirrorflow as real processes in directories of its own: host server, what it starts, and
 * programs that use it. At the end everything is stopped, and what is left behind fails the test
 * that left it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from '../../protocol/base/installation.js';
import { connect, connectHost, type Client, type HostConnection } from '../../client-lib/index.js';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.js';

const DIST = fileURLToPath(new URL('../..', import.meta.url));
const DEADLINE_MS = 90_000;
const LOOK_MS = 10;

/** Polls until `condition` gives something; fails after a deadline with what was waited for. */
export async function eventually<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Files of a directory that outlive all servers of it. */
const STAYS = new Set(['.claims', 'token']);

/** How a system runs its programs, for one that is a host of several. */
export interface SystemSurroundings {
  /** What is run instead of a program and its arguments: the same on another host, for instance. */
  readonly command?: (program: string, args: readonly string[]) => [program: string, args: string[]];
  /** Further options of the host server; with a `--listen` of their own. */
  readonly hostOptions?: readonly string[];
}

export class WholeSystem {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly flowDirectory = mkdtempSync('/dev/shm/mirrorflow-test-');
  /** Where the web viewer listens; tests of it set `tcp://127.0.0.1:0`. */
  web = 'off';
  /** The file with the shared secret, if there is one. */
  secretFile: string | undefined;
  readonly #children = new Set<ChildProcess>();
  readonly #clients = new Set<Client>();
  readonly #simulators = new Set<Simulator>();
  #hostServer: ChildProcess | undefined;
  #host: HostConnection | undefined;
  #hostLog = '';
  readonly #surroundings: SystemSurroundings;

  constructor(surroundings: SystemSurroundings = {}) {
    this.#surroundings = surroundings;
  }

  get host(): HostConnection {
    if (this.#host === undefined) throw new Error('the host server was not started');
    return this.#host;
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      MIRRORFLOW_DIR: this.directory,
      MIRRORFLOW_FLOW_DIR: this.flowDirectory,
      MIRRORFLOW_WEB: this.web,
      MIRRORFLOW_SECRET_FILE: this.secretFile,
    };
  }

  /** Starts the host server and connects to it. */
  async startHost(): Promise<ChildProcess> {
    const { hostOptions = ['--listen', 'tcp://127.0.0.1:0'] } = this.#surroundings;
    const server = this.program(programPath('host-server'), hostOptions);
    server.stderr?.on('data', (chunk: Buffer) => (this.#hostLog += chunk.toString()));
    this.#hostServer = server;
    this.#host = await eventually('the host server answers', async () => {
      if (server.exitCode !== null) throw new Error(`the host server ended:\n${this.#hostLog}`);
      return connectHost({ directory: this.directory }).catch(() => undefined);
    });
    return server;
  }

  /** Starts a program of the project, or a compiled fixture, in this system's directories. */
  program(path: string, args: readonly string[] = []): ChildProcess {
    const { command = (program, all) => [program, [...all]] } = this.#surroundings;
    const child = spawn(...command(process.execPath, [resolve(DIST, path), ...args]), {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: this.environment,
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  async simulator(options: SimulatorOptions): Promise<Simulator> {
    const simulator = await startSimulator({ noDelay: true, ...options });
    this.#simulators.add(simulator);
    return simulator;
  }

  async client(app: string, name = 'test'): Promise<Client> {
    const client = await connect({ app, name, directory: this.directory });
    this.#clients.add(client);
    return client;
  }

  /** Process id of a flow's duplicator. */
  async duplicatorPid(client: Client, flow = 'spectra'): Promise<number | undefined> {
    return (await client.flows()).find((info) => info.flow === flow && info.state === 'running')?.pid;
  }

  /** What all processes wrote, for a test that failed. */
  logs(): string {
    const folder = join(this.directory, 'logs');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return [
      `-- host server\n${this.#hostLog}`,
      ...files.map((file) => `-- ${file}\n${readFileSync(join(folder, file), 'utf8')}`),
    ].join('\n');
  }

  /** Stops everything; throws when a process, socket or flow file is left. */
  async stop(failed: boolean): Promise<void> {
    if (failed) process.stderr.write(`${this.logs()}\n`);
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#host?.close();
    if (this.#hostServer !== undefined) await end(this.#hostServer);
    await Promise.all([...this.#children].map(end));
    await Promise.all([...this.#simulators].map((simulator) => simulator.close()));
    const left = this.leftovers();
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.flowDirectory, { recursive: true, force: true });
    if (!failed && left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  }

  /**
   * Flow files, images and sockets that still stand, and processes that still name this system's
   * directory.
   */
  leftovers(): string[] {
    const files = [this.directory, this.flowDirectory].flatMap((root) =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory() && !entry.name.endsWith('.log') && !STAYS.has(entry.name))
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    return [...files, ...processesNaming(this.directory)];
  }
}

/** Kills for good and waits for the end. */
export async function killHard(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exit;
  clearTimeout(timer);
}

function processesNaming(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(directory) ? [`process ${pid}: ${command}`] : [];
      } catch {
        return [];
      }
    });
}
