/**
 * Several hosts on one machine: a network namespace each, with an address of its own, joined by a
 * switch in user space (switch.c) that gives each host's link a rate, a delay, a loss and cuts.
 * Needs root, a C compiler and /dev/net/tun; `NetworkLab.obstacle` says what is missing. What a lab
 * made is gone when it is closed, or at the latest when the next one begins.
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

/** A link, each way. What is left out is unlimited, or none. */
export interface LinkShape {
  readonly bitsPerSecond?: number;
  /** One way. */
  readonly delayMs?: number;
  /** Lost packets, 0 to 1. */
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
  /** One command at a time, so that each answer is known by its place. */
  #last: Promise<unknown> = Promise.resolve();

  /** Why there can be no lab here; undefined when there can. */
  static obstacle(): string | undefined {
    if (process.geteuid?.() !== 0) return 'network namespaces need root';
    if (!existsSync('/dev/net/tun')) return 'this kernel has no /dev/net/tun';
    if (spawnSync('cc', ['--version']).status !== 0) return 'there is no C compiler (cc)';
    const tried = spawnSync('unshare', ['--net', 'true']);
    return tried.status === 0 ? undefined : 'network namespaces are not allowed here';
  }

  /** `names`: 1 to 16, short. The first host gets 10.88.0.1, and so on. */
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
    await lab.#begin();
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
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`the lab has no host ${name}`);
    return found;
  }

  /** Program and arguments that run `command` on that host. */
  on(name: string, command: string, args: readonly string[] = []): [command: string, args: string[]] {
    return ['ip', ['netns', 'exec', this.host(name).namespace, command, ...args]];
  }

  async shape(name: string, { bitsPerSecond = 0, delayMs = 0, loss = 0 }: LinkShape): Promise<void> {
    const numbers = [bitsPerSecond, delayMs * 1_000, loss * 1_000_000].map(Math.round);
    await this.#command(`shape ${this.#index(name)} ${numbers.join(' ')}`);
  }

  /** From now on nothing reaches that host or comes from it, and nobody is told. */
  async cut(name: string): Promise<void> {
    await this.#command(`cut ${this.#index(name)}`);
  }

  async mend(name: string): Promise<void> {
    await this.#command(`mend ${this.#index(name)}`);
  }

  /** Bytes of IP packets since the beginning, with their headers. */
  async bytes(name: string): Promise<{ readonly sent: number; readonly received: number }> {
    const [sent = 0, received = 0] = (await this.#command(`bytes ${this.#index(name)}`))
      .split(' ')
      .map(Number);
    return { sent, received };
  }

  /** Processes that still run on its hosts lose their network. Idempotent. */
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

  async #begin(): Promise<void> {
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
    const answered = this.#last.then(async () => {
      this.#switch.stdin.write(`${line}\n`);
      const answer = await this.#answer();
      if (answer === 'error') throw new Error(`the switch of the lab does not understand: ${line}`);
      return answer;
    });
    this.#last = answered.catch(() => undefined);
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

/** Namespaces of labs whose process has died. */
function removeLeftovers(): void {
  if (!existsSync(NAMESPACES)) return;
  for (const name of readdirSync(NAMESPACES)) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-', 1)[0]) : Number.NaN;
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`)) ip('netns', 'delete', name);
  }
}
