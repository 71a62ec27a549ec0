/**
 * Two host servers on this machine, in directories of their own, that are peers over loopback with
 * one shared secret. Used by `spectcl-wire.ts`. Spawns processes; creates and removes directories.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, startSystem, type BenchSystem } from './system.js';

const DISCOVERY_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 20;

export interface TwoHosts {
  readonly a: BenchSystem;
  readonly b: BenchSystem;
  /** Resolves when host `b` lists the application of host `a` as running. */
  readonly waitForApplication: (app: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts hosts `a` and `b`; clients select one by its directory. */
export async function startTwoHosts(): Promise<TwoHosts> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const secretFile = join(directory, 'secret');
  writeFileSync(secretFile, 'a secret of both hosts of this benchmark\n', { mode: 0o600 });
  const systems: BenchSystem[] = [];
  const stop = async (): Promise<void> => {
    for (const system of systems.toReversed()) await system.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  const start = async (name: string, options: readonly string[]): Promise<BenchSystem> => {
    // The host that stops last would log a warning about the missing peer.
    const logOptions = ['--log-level', 'error'];
    const system = await startSystem([
      '--host-name',
      name,
      '--secret-file',
      secretFile,
      ...logOptions,
      ...options,
    ]);
    systems.push(system);
    return system;
  };
  try {
    const a = await start('a', []);
    const b = await start('b', ['--peer', `tcp://127.0.0.1:${(await a.host.info()).port}`]);
    return { a, b, waitForApplication: (app) => waitForApplication(b, app), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitForApplication({ host }: BenchSystem, app: string): Promise<void> {
  const deadline = performance.now() + DISCOVERY_TIMEOUT_MS;
  for (;;) {
    const other = (await host.network()).find(({ host: name, connected }) => name === 'a' && connected);
    if (other?.applications.some(({ name, state }) => name === app && state === 'running') === true) return;
    if (performance.now() > deadline)
      throw new Error(`host b did not list ${app} of host a within ${DISCOVERY_TIMEOUT_MS} ms`);
    await pause(POLL_INTERVAL_MS);
  }
}
