/**
 * A real system for a benchmark: a host server and a simulator as processes in temporary
 * directories, and the figures of a process that Linux shows in /proc. Used by every benchmark.
 * Spawns processes, and creates and removes directories.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from '../protocol/base/installation.js';
import { ownChildEnvironment } from '../protocol/host/process-kit/environment.js';
import { connectHost, type HostConnection } from '../client-lib/index.js';

const DIST = fileURLToPath(new URL('..', import.meta.url));
const START_TIMEOUT_MS = 10_000;

export interface BenchSystem {
  readonly directory: string;
  readonly host: HostConnection;
  readonly stop: () => Promise<void>;
}

export interface BenchSimulator {
  readonly address: string;
  readonly restPort: number;
  readonly mirrorPort: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/**
 * Starts a host server in temporary directories, with further command-line options. Sets the
 * directories in the environment of this process, so that clients and children use them.
 */
export async function startSystem(options: readonly string[] = []): Promise<BenchSystem> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const flowDirectory = mkdtempSync('/dev/shm/mirrorflow-bench-');
  process.env['MIRRORFLOW_DIR'] = directory;
  process.env['MIRRORFLOW_FLOW_DIR'] = flowDirectory;
  const server = spawn(
    process.execPath,
    [programPath('host-server'), '--listen', 'tcp://127.0.0.1:0', ...options],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...ownChildEnvironment(process.env), MIRRORFLOW_LOG_LEVEL: 'warn' },
    },
  );
  const host = await retryUntilReady(() => connectHost({ directory }));
  return {
    directory,
    host,
    stop: async () => {
      await host.close();
      await terminate(server);
      rmSync(directory, { recursive: true, force: true });
      rmSync(flowDirectory, { recursive: true, force: true });
    },
  };
}

/** Starts the simulator with these command-line options. */
export async function startSimulatorProcess(options: readonly string[]): Promise<BenchSimulator> {
  const child = spawn(process.execPath, [join(DIST, 'simulator/main.js'), '--json', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
  });
  const ready = JSON.parse(line) as { address: string; restPort: number; mirrorPort: number; pid: number };
  return { ...ready, stop: () => terminate(child) };
}

/** Processor time that all threads of a process have used, in seconds; ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/**
 * How often the threads of a process have gone to sleep voluntarily, which is how often they were
 * woken.
 */
export function wakeUps(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    total += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return total;
}

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

/** The part of the resident memory that is shared memory: flow files and images, MiB. */
export function sharedMiB(pid: number): number {
  return statusMiB(pid, 'RssShmem');
}

function statusMiB(pid: number, field: string): number {
  const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(match?.[1] ?? 0) / 1024;
}

/** Runs `work`; resolves with its duration in milliseconds. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function retryUntilReady<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(20);
    }
  }
}

async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await exit;
}
