/**
 * Programs of other projects that options of the command line name, to be measured beside ours.
 * None is ever needed. `main.ts` checks them, `fanout` and `spectcl` run them. Reads the file
 * system and spawns processes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

export interface PeerPrograms {
  /** Folder of `aeronmd` and the C samples `rate_subscriber` and `streaming_publisher`. */
  readonly aeron?: string | undefined;
  /** Folder of libzmq's `local_thr` and `remote_thr`. */
  readonly libzmq?: string | undefined;
  /** SpecTcl's `mirrorclient`. */
  readonly spectclClient?: string | undefined;
}

export const AERON_PROGRAMS = {
  driver: 'aeronmd',
  subscriber: 'rate_subscriber',
  publisher: 'streaming_publisher',
} as const;
export const LIBZMQ_PROGRAMS = { receiver: 'local_thr', sender: 'remote_thr' } as const;

/** Throws an Error that names the option and the program that is missing or cannot be run. */
export function checkPeerPrograms({ aeron, libzmq, spectclClient }: PeerPrograms): void {
  const inFolder = (folder: string | undefined, names: object): string[] =>
    folder === undefined ? [] : Object.values(names).map((name) => join(folder, String(name)));
  const programs: Readonly<Record<string, readonly string[]>> = {
    '--aeron': inFolder(aeron, AERON_PROGRAMS),
    '--libzmq': inFolder(libzmq, LIBZMQ_PROGRAMS),
    '--spectcl-client': spectclClient === undefined ? [] : [spectclClient],
  };
  for (const [option, paths] of Object.entries(programs))
    for (const path of paths)
      try {
        accessSync(path, constants.X_OK);
      } catch (cause) {
        throw new Error(`${option} needs the program ${path}, which cannot be run: build or name it`, {
          cause,
        });
      }
}

const ENDS_WITHIN_MS = 5_000;

/** A running program of another project. */
export class PeerProgram {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = '';

  constructor(path: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(path, args, { stdio: ['ignore', 'pipe', 'inherit'], env: environment });
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#closed = once(this.#child, 'close');
    this.#closed.catch(() => undefined); // `output` reports that it did not start
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it has printed when it has ended; it is killed when it does not end in time. */
  async output(withinMs: number): Promise<string> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs);
    try {
      await this.#closed;
    } finally {
      clearTimeout(timer);
    }
    return this.#output;
  }

  /** Sends the signal; returns what the program has printed when it has ended. */
  async end(signal: NodeJS.Signals): Promise<string> {
    this.#child.kill(signal);
    return this.output(ENDS_WITHIN_MS);
  }
}
