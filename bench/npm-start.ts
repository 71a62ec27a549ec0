/**
 * From `npm start` to the first spectrum: the real command, everything built already, with its own
 * simulator, in directories and on ports of its own; until a client sees a spectrum with counts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, connectHost, isMirrorflowError, type Client } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { repetitions, type BenchSettings } from './settings.js';
import { pause, timed } from './system.js';

export const NPM_START = 'npm start to first spectrum';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const APP = 'bench';
const REPETITIONS = 5;
const FIRST_SPECTRUM_MS_MAX = 60_000;
const END_MS_MAX = 20_000;
/** Between two looks: what the figure may be too large by. */
const LOOK_MS = 10;
/** What a client hears while the command is still starting. */
const NOT_YET = ['NOT_RUNNING', 'UNKNOWN_APPLICATION', 'CLOSED', 'TIMED_OUT'] as const;
const STDERR_KEPT_CHARACTERS = 2_000;

export async function fromNpmStart(settings: BenchSettings): Promise<Row> {
  const times: number[] = [];
  for (let repetition = 0; repetition < repetitions(settings, REPETITIONS); repetition += 1)
    times.push(await oneStart());
  return row('open', NPM_START, 'ms', times);
}

async function oneStart(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const flowDirectory = mkdtempSync('/dev/shm/mirrorflow-bench-');
  const command = new StartCommand(directory, flowDirectory);
  try {
    return await timed(() => firstSpectrum(directory, command));
  } finally {
    await command.interrupt().finally(() => {
      for (const place of [directory, flowDirectory]) rmSync(place, { recursive: true, force: true });
    });
  }
}

class StartCommand {
  readonly #directory: string;
  readonly #child: ChildProcess;
  #said = '';

  constructor(directory: string, flowDirectory: string) {
    this.#directory = directory;
    // A group of its own, which is interrupted as a terminal interrupts one.
    this.#child = spawn('npm', ['start', '--silent', '--', '--app', APP], {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        MIRRORFLOW_DIR: directory,
        MIRRORFLOW_FLOW_DIR: flowDirectory,
        MIRRORFLOW_PORT: '0',
        MIRRORFLOW_WEB: 'tcp://127.0.0.1:0',
        npm_config_update_notifier: 'false', // it would ask a registry
      },
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#said = (this.#said + text.toString()).slice(-STDERR_KEPT_CHARACTERS);
    });
  }

  /** Throws what it said when it has ended. */
  check(): void {
    if (this.#hasEnded) throw new Error(`npm start has ended:\n${this.#said}`);
  }

  /** SIGINT, and its end is awaited; one that does not end is killed, and what it left ended. */
  async interrupt(): Promise<void> {
    if (this.#hasEnded) return;
    const exit = once(this.#child, 'exit');
    const group = -(this.#child.pid ?? 0);
    process.kill(group, 'SIGINT');
    let late = false;
    const kill = setTimeout(() => {
      late = true;
      process.kill(group, 'SIGKILL');
    }, END_MS_MAX);
    await exit;
    clearTimeout(kill);
    // Its host server is in another group.
    const host = await connectHost({ directory: this.#directory }).catch(() => undefined);
    if (host !== undefined) await host.quit(true);
    await host?.close();
    if (late || host !== undefined) throw new Error(`npm start did not end in order:\n${this.#said}`);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

async function firstSpectrum(directory: string, command: StartCommand): Promise<void> {
  const deadline = performance.now() + FIRST_SPECTRUM_MS_MAX;
  const look = async (): Promise<void> => {
    command.check();
    if (performance.now() > deadline)
      throw new Error(`no spectrum with counts in ${FIRST_SPECTRUM_MS_MAX} ms`);
    await pause(LOOK_MS);
  };
  let client: Client | undefined;
  while (client === undefined) {
    client = await connect({ app: APP, name: 'bench', directory }).catch(notYet);
    if (client === undefined) await look();
  }
  try {
    const mirror = await client.mirror();
    while (!mirror.read((spectra) => spectra.list().some(({ sum }) => sum > 0))) await look();
  } finally {
    await client.close();
  }
}

function notYet(error: unknown): undefined {
  if (NOT_YET.some((code) => isMirrorflowError(error, code))) return undefined;
  throw error;
}
