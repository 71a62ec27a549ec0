/**
 * A real nats-server for one test: started from a configuration, killed and started again on the
 * same ports, with the same store. Used by NatsRig and tests of NATS. Starts a process; its files
 * are in a directory of the test.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandWrapper } from './test-process.js';
import { skip } from './skip.js';

/** Debian installs it here, which is not in every user's PATH. */
const DEBIAN_PROGRAM = '/usr/sbin/nats-server';
/** A store that was killed is checked at the start. */
const READY_MS = 30_000;

export interface NatsServerOptions {
  readonly name: string;
  /** An existing directory for configuration and store. */
  readonly directory: string;
  /** The address to listen on. Default: loopback. */
  readonly host?: string;
  /** Domain of JetStream; undefined: no JetStream. */
  readonly domain?: string;
  /** Whether leaf nodes may connect. */
  readonly acceptsLeaves?: boolean;
  /** URL of the hub of which this server is a leaf, perhaps with user and password. */
  readonly hub?: string;
  /** Further lines of the configuration: authorization, limits. */
  readonly lines?: readonly string[];
  readonly wrap?: CommandWrapper;
}

/** Undefined where nats-server is not installed. */
function natsServerProgram(): string | undefined {
  if (spawnSync('nats-server', ['--version']).status === 0) return 'nats-server';
  return existsSync(DEBIAN_PROGRAM) ? DEBIAN_PROGRAM : undefined;
}

/** For `before` hooks: skips the suite where nats-server is not installed. */
export function needsNatsServer(context: Mocha.Context): void {
  if (natsServerProgram() === undefined) skip(context, 'nats-server is not installed');
}

export class NatsServer {
  readonly #options: NatsServerOptions;
  #process: ChildProcess | undefined;
  #log = '';
  #port = -1;
  #leafPort = -1;

  constructor(options: NatsServerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get host(): string {
    return this.#options.host ?? '127.0.0.1';
  }

  /** Port for clients, the same after every start. */
  get port(): number {
    return this.#port;
  }

  /** `user`: `NAME:PASSWORD@`, or nothing. */
  leafUrl(user = ''): string {
    return `nats-leaf://${user}${this.host}:${this.#leafPort}`;
  }

  address(prefix: string): string {
    return `nats://${this.host}:${this.#port}/${prefix}`;
  }

  /** Everything that the server has logged, for error messages. */
  get log(): string {
    return this.#log;
  }

  /** Resolves when clients can connect. */
  async start(): Promise<void> {
    const { name, directory, wrap } = this.#options;
    const program = natsServerProgram();
    if (program === undefined) throw new Error('nats-server is not installed');
    mkdirSync(join(directory, name), { recursive: true });
    const file = join(directory, `${name}.conf`);
    writeFileSync(file, this.#configuration());
    const args = ['-c', file];
    const child = spawn(...(wrap?.(program, args) ?? [program, args]), {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    const before = this.#log.length;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure('is not ready')), READY_MS);
      const fail = (): void => reject(this.#failure('has ended'));
      child.once('error', reject).once('exit', fail);
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        if (!this.#log.slice(before).includes('Server is ready')) return;
        clearTimeout(timer);
        resolve();
      });
    }).catch(async (error: unknown) => {
      await this.kill();
      throw error;
    });
    const log = this.#log.slice(before);
    this.#port = portIn(log, 'client') ?? this.#port;
    this.#leafPort = portIn(log, 'leafnode') ?? this.#leafPort;
  }

  /**
   * Resolves when the process has ended; the store stays. Default: without a chance to close it.
   */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** SIGSTOP or SIGCONT: a server that is connected and silent. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  #configuration(): string {
    const { name, directory, domain, acceptsLeaves, hub, lines = [] } = this.#options;
    const store = join(directory, name);
    return [
      `server_name: ${JSON.stringify(name)}`,
      `listen: "${this.host}:${this.#port}"`,
      ...(domain === undefined ? [] : [`jetstream { store_dir: "${store}", domain: "${domain}" }`]),
      ...leafLines(acceptsLeaves === true ? `${this.host}:${this.#leafPort}` : undefined, hub),
      ...lines,
      '',
    ].join('\n');
  }

  #failure(state: string): Error {
    return new Error(`nats-server ${this.name} ${state}; its log: ${this.#log}`);
  }
}

function leafLines(listen: string | undefined, hub: string | undefined): readonly string[] {
  if (listen === undefined && hub === undefined) return [];
  return [
    'leafnodes {',
    ...(listen === undefined ? [] : [`  listen: "${listen}"`]),
    ...(hub === undefined ? [] : [`  reconnect: 1`, `  remotes: [ { urls: ["${hub}"] } ]`]),
    '}',
  ];
}

function portIn(log: string, kind: 'client' | 'leafnode'): number | undefined {
  const match = new RegExp(`Listening for ${kind} connections on \\S*:(\\d+)`).exec(log);
  return match === null ? undefined : Number(match[1]);
}
