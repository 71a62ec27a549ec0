/**
 * Two host servers on this machine, in directories of their own, that know each other over loopback
 * and have one secret.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, startSystem, type BenchSystem } from './system.js';

const TOGETHER_MS_MAX = 10_000;
const LOOK_MS = 20;

export interface TwoHosts {
  readonly a: BenchSystem;
  readonly b: BenchSystem;
  /** Resolves when `b` knows that the application runs on `a`. */
  readonly together: (app: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Hosts `a` and `b`. Clients find them by their directories. */
export async function startTwoHosts(): Promise<TwoHosts> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, 'a secret of both hosts of this benchmark\n', { mode: 0o600 });
  const systems: BenchSystem[] = [];
  const stop = async (): Promise<void> => {
    for (const one of systems.toReversed()) await one.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const start = async (name: string, options: readonly string[]): Promise<BenchSystem> => {
    // The one that ends last would warn that the other is gone.
    const quiet = ['--log-level', 'error'];
    const system = await startSystem([
      '--host-name',
      name,
      '--secret-file',
      secretFile,
      ...quiet,
      ...options,
    ]);
    systems.push(system);
    return system;
  };
  try {
    const a = await start('a', []);
    const b = await start('b', ['--peer', `tcp://127.0.0.1:${(await a.host.info()).port}`]);
    return { a, b, together: (app) => together(b, app), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function together({ host }: BenchSystem, app: string): Promise<void> {
  const deadline = performance.now() + TOGETHER_MS_MAX;
  for (;;) {
    const other = (await host.network()).find(({ host: name, connected }) => name === 'a' && connected);
    if (other?.applications.some(({ name, state }) => name === app && state === 'running') === true) return;
    if (performance.now() > deadline) throw new Error(`host b did not see ${app} of host a`);
    await pause(LOOK_MS);
  }
}
