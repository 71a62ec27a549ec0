/**
 * The embedded SpecTcl simulator as a child process of `mirrorflow start`.
 *
 * `session.ts` starts and stops it. The child exits when its standard input closes, so it never
 * outlives this process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { programPath } from '../../protocol/base/installation.js';

const STDERR_KEPT_CHARACTERS = 2_000;

export class SimulatorProcess {
  /** The spectcl address of the simulator. */
  readonly address: string;
  readonly pid: number;
  /** Resolves with its exit code or signal when it has exited. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string, ended: Promise<string>) {
    this.#child = child;
    this.address = address;
    this.pid = child.pid ?? 0;
    this.ended = ended;
  }

  /** Resolves when the simulator is ready. Throws START_FAILED with its error output. */
  static async start(args: readonly string[] = []): Promise<SimulatorProcess> {
    const child = spawn(process.execPath, [programPath('simulator'), '--json', '--end-with-stdin', ...args], {
      // A process group of its own: Ctrl-C reaches only this command, which stops the simulator.
      // The simulator exits when its standard input closes.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: ownChildEnvironment(process.env),
    });
    let errorOutput = '';
    child.stderr.on(
      'data',
      (chunk) => (errorOutput = (errorOutput + String(chunk)).slice(-STDERR_KEPT_CHARACTERS)),
    );
    const ended = endOf(child);
    const line = await firstLine(child, ended);
    const address = announcedAddress(line);
    if (address !== undefined) return new SimulatorProcess(child, address, ended);
    child.kill('SIGKILL');
    throw new MirrorflowError(
      'START_FAILED',
      `the simulator did not start: ${errorOutput.trim() || line || (await ended)}`,
    );
  }

  /** Sends SIGTERM, then SIGKILL after `LIMITS.childStopTimeoutMs`; resolves when it has exited. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), LIMITS.childStopTimeoutMs);
    await this.ended;
    clearTimeout(kill);
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return describeError(error);
  }
}

/** The first line of standard output; empty when the child exits or prints none in time. */
async function firstLine(child: ChildProcess, ended: Promise<string>): Promise<string> {
  if (child.stdout === null) return '';
  const lines = createInterface({ input: child.stdout });
  // The interface stays attached: it reads and drops later output, which would block the child.
  const line = once(lines, 'line').then(([text]) => String(text));
  const timeout = new AbortController();
  const timedOut = new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve(''), LIMITS.childReadyTimeoutMs);
    timeout.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    return await Promise.race([line, ended.then(() => ''), timedOut]);
  } finally {
    timeout.abort();
  }
}

/** The address in the simulator's first line, one object of JSON; undefined for any other line. */
function announcedAddress(line: string): string | undefined {
  try {
    const ready: unknown = JSON.parse(line);
    if (typeof ready !== 'object' || ready === null || !('address' in ready)) return undefined;
    return typeof ready.address === 'string' ? ready.address : undefined;
  } catch {
    return undefined;
  }
}
