/**
 * A network lab: several hosts on one machine, each a network namespace with an address of its own,
 * joined by a switch in user space (switch.c) that gives each host's link a rate, a delay, a loss
 * and cuts. Used by the system tests of several hosts and by the benchmark of two hosts. Needs
 * root, a C compiler and /dev/net/tun. `close` removes everything; the next lab removes the
 * namespaces of a lab whose process was killed.
 */
import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SWITCH_SOURCE = fileURLToPath(new URL('../../../test/network/switch.c', import.meta.url));
const NAMESPACES = '/var/run/netns';
const PREFIX = 'mirrorflow-';

/** The link of a host in each direction. Default: no limit, no delay, no loss. */
export interface LinkShape {
  readonly bitsPerSecond?: number;
  /** In one direction. */
  readonly delayMs?: number;
  /** Share of lost packets, 0 to 1. */
  readonly loss?: number;
}

export interface LabHost {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

export class NetworkLab {
  readonly #directory: string;
  readonly hosts: readonly LabHost[];
  readonly #switch: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;
  /** The last command; commands run one at a time, because answers come in order. */
  #lastCommand: Promise<unknown> = Promise.resolve();

  /** Why no lab can be made on this machine; undefined when one can. */
  static obstacle(): string | undefined {
    if (process.geteuid?.() !== 0) return 'the network lab needs root for network namespaces';
    if (!existsSync('/dev/net/tun'))
      return 'the network lab needs /dev/net/tun, which this kernel does not have';
    if (spawnSync('cc', ['--version']).status !== 0) return 'the network lab needs a C compiler (cc)';
    const unshare = spawnSync('unshare', ['--net', 'true']);
    return unshare.status === 0
      ? undefined
      : 'the network lab needs network namespaces, which this container does not permit';
  }

  /** `names`: 1 to 16 short names. The first host gets 10.88.0.1, the next 10.88.0.2. */
  static async make(names: readonly string[]): Promise<NetworkLab> {
    removeLeftovers();
    const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-lab-'));
    const hosts = names.map((name, index) => ({
      name,
      namespace: `${PREFIX}${process.pid}-${name}`,
      address: `10.88.0.${index + 1}`,
    }));
    const program = join(directory, 'switch');
    execFileSync('cc', ['-O2', '-o', program, SWITCH_SOURCE]);
    for (const { namespace } of hosts) ip('netns', 'add', namespace);
    const child = spawn(
      program,
      hosts.map(({ namespace }) => namespace),
    );
    const lab = new NetworkLab(directory, hosts, child);
    await lab.#connect();
    return lab;
  }

  private constructor(directory: string, hosts: readonly LabHost[], child: ChildProcessWithoutNullStreams) {
    this.#directory = directory;
    this.hosts = hosts;
    this.#switch = child;
    child.stderr.pipe(process.stderr);
    child.stdin.on('error', () => undefined);
    this.#lines = createInterface(child.stdout);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  host(name: string): LabHost {
    const host = this.hosts.find((one) => one.name === name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  }

  /** Program and arguments that run `command` on host `name`. */
  on(name: string, command: string, args: readonly string[] = []): [command: string, args: string[]] {
    return ['ip', ['netns', 'exec', this.host(name).namespace, command, ...args]];
  }

  async shape(name: string, { bitsPerSecond = 0, delayMs = 0, loss = 0 }: LinkShape): Promise<void> {
    const numbers = [bitsPerSecond, delayMs * 1_000, loss * 1_000_000].map(Math.round);
    await this.#command(`shape ${this.#index(name)} ${numbers.join(' ')}`);
  }

  /** Drops all packets to and from a host, without an error at either end, until `mend`. */
  async cut(name: string): Promise<void> {
    await this.#command(`cut ${this.#index(name)}`);
  }

  async mend(name: string): Promise<void> {
    await this.#command(`mend ${this.#index(name)}`);
  }

  /** Bytes of all IP packets of a host since the start of the lab, with their headers. */
  async bytes(name: string): Promise<{ readonly sent: number; readonly received: number }> {
    const [sent = 0, received = 0] = (await this.#command(`bytes ${this.#index(name)}`))
      .split(' ')
      .map(Number);
    return { sent, received };
  }

  /** Processes that still run on a host lose their network. Idempotent. */
  async close(): Promise<void> {
    if (this.#switch.exitCode === null && this.#switch.signalCode === null) {
      const exit = once(this.#switch, 'exit');
      this.#switch.stdin.end();
      await exit;
    }
    this.#lines.close();
    for (const { namespace } of this.hosts)
      if (existsSync(join(NAMESPACES, namespace))) ip('netns', 'delete', namespace);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #connect(): Promise<void> {
    if ((await this.#answer()) !== 'ready') throw new Error('the switch of the lab did not start');
    for (const { namespace, address } of this.hosts) {
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'tun0');
      ip('-n', namespace, 'link', 'set', 'tun0', 'up', 'txqueuelen', '2000');
      ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'tun0');
    }
  }

  #index(name: string): number {
    return this.hosts.indexOf(this.host(name));
  }

  #command(line: string): Promise<string> {
    const answered = this.#lastCommand.then(async () => {
      this.#switch.stdin.write(`${line}\n`);
      const answer = await this.#answer();
      if (answer === 'error') throw new Error(`the switch of the lab rejected the command: ${line}`);
      return answer;
    });
    this.#lastCommand = answered.catch(() => undefined);
    return answered;
  }

  async #answer(): Promise<string> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the switch of the lab has ended');
    return value;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Deletes the namespaces of labs whose process has ended. */
function removeLeftovers(): void {
  if (!existsSync(NAMESPACES)) return;
  for (const name of readdirSync(NAMESPACES)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-', 1)[0]) : Number.NaN;
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name);
  }
}
