/**
 * Two duplicators of two hosts on this machine, started by hand in directories of their own, one
 * fetching its flow from the other.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  duplicatorArguments,
  type DuplicatorArguments,
} from '../protocol/rpc/contract/duplicator-options.js';

const PROGRAM = fileURLToPath(new URL('../duplicator/main.js', import.meta.url));
const READY_MS = 10_000;

/** One duplicator as a process. */
export class HandDuplicator {
  readonly #child: ChildProcess;
  readonly #place: string;
  #log = '';

  constructor(directory: string, host: string, args: readonly string[]) {
    this.#place = join(directory, host);
    mkdirSync(join(this.#place, 'links'), { recursive: true, mode: 0o750 });
    const profile = process.env['BENCH_PROFILE'];
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    this.#child = spawn(process.execPath, [...profiling, PROGRAM, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        MIRRORFLOW_DIR: this.#place,
        MIRRORFLOW_FLOW_DIR: join(directory, 'shm', host),
        MIRRORFLOW_LOG_FORMAT: 'json',
      },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get link(): string {
    return join(this.#place, 'links', 'bench@bench.sock');
  }

  /** Resolves with the fields of the first log line of this message. */
  async logged(message: string): Promise<Record<string, unknown>> {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      const line = this.#log.split('\n').find((one) => one.includes(`"message":"${message}"`));
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
      if (this.#child.exitCode !== null || performance.now() > deadline)
        throw new Error(`the duplicator never said "${message}":\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }
}

export interface DuplicatorPair {
  readonly sender: HandDuplicator;
  readonly receiver: HandDuplicator;
  readonly senderFile: string;
  readonly receiverFile: string;
  readonly stop: () => Promise<void>;
}

/**
 * A flow of `buffers` buffers of `size` bytes, which the second duplicator fetches from the first
 * over loopback TCP.
 */
export async function startPair(size: number, buffers: number): Promise<DuplicatorPair> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const shm = mkdtempSync('/dev/shm/mirrorflow-bench-');
  writeFileSync(join(directory, 'secret'), 'a secret for this benchmark', { mode: 0o600 });
  const started: HandDuplicator[] = [];
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop();
    for (const place of [directory, shm]) rmSync(place, { recursive: true, force: true });
  };
  const start = (host: string, given: Omit<DuplicatorArguments, 'flow' | 'options'>): HandDuplicator => {
    const options = {
      application: 'bench',
      flowDirectory: join(shm, host),
      secretFile: join(directory, 'secret'),
      ...(given.direction === 'output' && { listen: 'tcp://127.0.0.1' }),
    };
    const words = duplicatorArguments({ flow: 'bench', ...given, options });
    const one = new HandDuplicator(directory, host, words);
    started.push(one);
    return one;
  };
  try {
    const sender = start('a', { direction: 'output', buffers, bufferSize: size });
    const { address } = await sender.logged('serving other hosts');
    const receiver = start('b', { direction: 'input', source: String(address) });
    const receiverFile = String((await receiver.logged('ready'))['file']);
    const senderFile = String((await sender.logged('ready'))['file']);
    return { sender, receiver, senderFile, receiverFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
