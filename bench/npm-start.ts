/**
 * The row `npm start to first spectrum` of the benchmark `open`: runs the real command, on a
 * project that is built already, with its own simulator, until a client sees a spectrum with
 * counts. Runs in temporary directories and on free ports.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, connectHost, isMirrorflowError, type Client } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { repetitionCount, type BenchSettings } from './settings.js';
import { pause, elapsedMs } from './system.js';

export const NPM_START = 'npm start to first spectrum';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const APP = 'bench';
const REPETITIONS = 5;
const FIRST_SPECTRUM_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
/** Also the largest error of the figure. */
const POLL_INTERVAL_MS = 10;
/** Errors of a client while the command is still starting. */
const RETRYABLE_CODES = ['NOT_RUNNING', 'UNKNOWN_APPLICATION', 'CLOSED', 'TIMED_OUT'] as const;
const STDERR_CHARACTERS_MAX = 2_000;

export async function measureNpmStart(settings: BenchSettings): Promise<Row> {
  const times: number[] = [];
  for (let repetition = 0; repetition < repetitionCount(settings, REPETITIONS); repetition += 1)
    times.push(await timeOneStart());
  return makeRow('open', NPM_START, 'ms', times);
}

async function timeOneStart(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const flowDirectory = mkdtempSync('/dev/shm/mirrorflow-bench-');
  const command = new StartCommand(directory, flowDirectory);
  try {
    return await elapsedMs(() => waitForFirstSpectrum(directory, command));
  } finally {
    await command.interrupt().finally(() => {
      for (const path of [directory, flowDirectory]) rmSync(path, { recursive: true, force: true });
    });
  }
}

class StartCommand {
  readonly #directory: string;
  readonly #child: ChildProcess;
  #stderr = '';

  constructor(directory: string, flowDirectory: string) {
    this.#directory = directory;
    // A process group of its own, so that SIGINT reaches all of it, as from a terminal.
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
        npm_config_update_notifier: 'false', // the notifier would query a registry
      },
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-STDERR_CHARACTERS_MAX);
    });
  }

  /** Throws with the command's standard error when the command has exited. */
  throwIfExited(): void {
    if (this.#hasExited) throw new Error(`npm start has exited:\n${this.#stderr}`);
  }

  /**
   * Sends SIGINT and waits for the exit; after a timeout, kills the command and stops its host
   * server. Throws when the command did not stop in order.
   */
  async interrupt(): Promise<void> {
    if (this.#hasExited) return;
    const exit = once(this.#child, 'exit');
    const group = -(this.#child.pid ?? 0);
    process.kill(group, 'SIGINT');
    let killed = false;
    const kill = setTimeout(() => {
      killed = true;
      process.kill(group, 'SIGKILL');
    }, STOP_TIMEOUT_MS);
    await exit;
    clearTimeout(kill);
    // The host server is in another process group.
    const host = await connectHost({ directory: this.#directory }).catch(() => undefined);
    if (host !== undefined) await host.quit(true);
    await host?.close();
    if (killed || host !== undefined) throw new Error(`npm start did not stop in order:\n${this.#stderr}`);
  }

  get #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

async function waitForFirstSpectrum(directory: string, command: StartCommand): Promise<void> {
  const deadline = performance.now() + FIRST_SPECTRUM_TIMEOUT_MS;
  const waitForNextPoll = async (): Promise<void> => {
    command.throwIfExited();
    if (performance.now() > deadline)
      throw new Error(`no spectrum with counts in ${FIRST_SPECTRUM_TIMEOUT_MS} ms`);
    await pause(POLL_INTERVAL_MS);
  };
  let client: Client | undefined;
  while (client === undefined) {
    client = await connect({ app: APP, name: 'bench', directory }).catch(ignoreWhileStarting);
    if (client === undefined) await waitForNextPoll();
  }
  try {
    const mirror = await client.mirror();
    while (!mirror.read((spectra) => spectra.list().some(({ sum }) => sum > 0))) await waitForNextPoll();
  } finally {
    await client.close();
  }
}

function ignoreWhileStarting(error: unknown): undefined {
  if (RETRYABLE_CODES.some((code) => isMirrorflowError(error, code))) return undefined;
  throw error;
}
