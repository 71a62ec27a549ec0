/**
 * The faults of a chaos run: what may happen to which process, and which readers it concerns.
 * `run.ts` draws them from a `FaultGenerator` and injects them. Injecting sends signals to
 * processes of the `ChaosSystem`, cuts its source proxies, fills its flow directory or floods its
 * sockets.
 *
 * Faults are drawn from the seed. Whether the target can be hit is decided only at the injection,
 * since the target may still be restarting.
 */
import { existsSync, rmSync } from 'node:fs';
import { systemCode } from '../../protocol/base/errors.js';
import { flowFilePath, imageFilePath } from '../../protocol/base/paths.js';
import type { RandomBits } from '../../simulator/random.js';
import { flood } from './flood.js';
import { APPLICATIONS, FLOWS, MIRRORED, READERS, STEADY } from './plan.js';
import type { ChaosSystem } from './chaos-system.js';

export interface Fault {
  readonly kind: string;
  /** The process or place that is hit, for messages. */
  readonly target: string;
  /** Of faults with the same text only one is injected at a time. Default: `target`. */
  readonly excludes?: string;
  /** Names of the readers that must deliver newer buffers afterwards. */
  readonly affectedReaders: readonly string[];
  /**
   * True when the affected readers must attach to a new duplicator as well: readers and provider
   * share the flow file, so that data flows for a moment without any duplicator.
   */
  readonly reattaches?: boolean;
  /**
   * Injects the fault and undoes it where it can be undone; resolves when the target may run again.
   * False when there was no target to hit.
   */
  readonly inject: () => Promise<boolean>;
}

/** Length of a stop or cut. */
const STOP_MIN_MS = 50;
const STOP_MAX_MS = 500;
/** Connections to each socket and port. */
const FLOOD_CONNECTIONS = 12;
/**
 * Kills of one supervised process within this time; more would be a crash loop, which its parent
 * slows down on purpose.
 */
const KILLS_MAX = 3;
const KILLS_WINDOW_MS = 30_000;

const ALL_FLOWS = [...FLOWS, { app: MIRRORED, flow: 'spectra' }];

/** Relative frequency of each kind. */
const WEIGHTS = {
  'kill-consumer': 4,
  'kill-provider': 4,
  'kill-duplicator': 4,
  'kill-app-server': 3,
  'kill-host-server': 2,
  'kill-simulator': 2,
  'stop-consumer': 2,
  'stop-provider': 2,
  'stop-duplicator': 2,
  'stop-app-server': 1,
  'stop-host-server': 1,
  'stop-simulator': 1,
  'cut-source': 2,
  'fill-flow-directory': 1,
  flood: 2,
  'delete-flow-file': 1,
  'delete-image': 1,
  'delete-runtime-directory': 1,
} as const;
type Kind = keyof typeof WEIGHTS;

export const FAULT_KINDS: readonly string[] = Object.keys(WEIGHTS);

export class FaultGenerator {
  readonly #system: ChaosSystem;
  readonly #random: RandomBits;
  /** Times of the kills (performance.now), by kind and target. */
  readonly #kills = new Map<string, number[]>();
  readonly #kinds: readonly Kind[];

  /** Draws from the kinds in `only`, or from all kinds when it is empty. */
  constructor(system: ChaosSystem, random: RandomBits, only: readonly string[] = []) {
    this.#system = system;
    this.#random = random;
    const kinds = Object.keys(WEIGHTS) as Kind[];
    this.#kinds = only.length === 0 ? kinds : kinds.filter((kind) => only.includes(kind));
  }

  /** The next fault of the seed's sequence. */
  draw(): Fault {
    const kinds = this.#kinds;
    const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
    let remaining = this.#random() % total;
    for (const kind of kinds) {
      remaining -= WEIGHTS[kind];
      if (remaining < 0) return this.#make(kind);
    }
    return this.#make(kinds[0] ?? 'flood');
  }

  #make(kind: Kind): Fault {
    const system = this.#system;
    switch (kind) {
      case 'kill-consumer':
      case 'stop-consumer': {
        const readers = READERS.filter(({ app }) => kind === 'stop-consumer' || app !== STEADY);
        const { name } = this.#pick(readers);
        const reader = system.readers.get(name);
        if (kind === 'stop-consumer') return this.#stop(kind, name, [name], () => reader?.program.pid);
        return this.#fault(kind, name, [name], async () => reader?.killAndRestart());
      }
      case 'kill-provider': {
        const { app, flow } = this.#pick(FLOWS.filter(({ app }) => app !== STEADY));
        const name = `${app}/${flow}`;
        return this.#fault(kind, name, readersOf(app, flow), () => system.restartProvider(name));
      }
      case 'stop-provider': {
        const { app, flow } = this.#pick(FLOWS);
        const name = `${app}/${flow}`;
        return this.#stop(kind, name, readersOf(app, flow), () => system.providers.get(name)?.pid);
      }
      case 'kill-duplicator': {
        const { app, flow } = this.#pick(ALL_FLOWS.filter(({ app }) => app !== STEADY));
        const kill = this.#kill(kind, `${app}/${flow}`, readersOf(app, flow), () =>
          system.duplicatorPid(app, flow),
        );
        return { ...kill, reattaches: true, excludes: ringOf(app, flow) };
      }
      case 'stop-duplicator': {
        const { app, flow } = this.#pick(ALL_FLOWS);
        return this.#stop(kind, `${app}/${flow}`, readersOf(app, flow), () =>
          system.duplicatorPid(app, flow),
        );
      }
      case 'kill-app-server': {
        const app = this.#pick(APPLICATIONS.filter((app) => app !== STEADY));
        return this.#kill(kind, app, readersOf(app), () => system.appServerPid(app));
      }
      case 'stop-app-server': {
        const app = this.#pick(APPLICATIONS);
        return this.#stop(kind, app, readersOf(app), () => system.appServerPid(app));
      }
      case 'kill-host-server':
        return this.#fault(kind, 'host', allReaders(), async () => {
          await system.hostServer.kill();
          system.hostServer.start();
        });
      case 'stop-host-server':
        return this.#stop(kind, 'host', allReaders(), () => system.hostServer.pid);
      case 'kill-simulator':
        return this.#fault(kind, 'simulator', readersOf(MIRRORED, 'spectra'), async () => {
          // The recovery time of the mirror starts when the source listens again: the start of the
          // simulator is not part of it.
          await system.restartSimulator();
        });
      case 'stop-simulator':
        return this.#stop(kind, 'simulator', readersOf(MIRRORED, 'spectra'), () => system.simulator.pid);
      case 'cut-source': {
        const ms = this.#between(STOP_MIN_MS, STOP_MAX_MS);
        return this.#fault(kind, 'source', readersOf(MIRRORED, 'spectra'), async () => {
          for (const proxy of system.proxies) proxy.cut();
          await pause(ms);
          for (const proxy of system.proxies) proxy.restore();
        });
      }
      case 'fill-flow-directory':
        return {
          kind,
          target: 'flow directory',
          affectedReaders: allReaders(),
          inject: async () => {
            if (!system.flowDirectory.fillable) return false;
            const release = system.flowDirectory.fill();
            await pause(STOP_MAX_MS);
            release();
            return true;
          },
        };
      case 'flood':
        return this.#fault(kind, 'all sockets and ports', allReaders(), () =>
          flood(system.listeners(), FLOOD_CONNECTIONS, STOP_MAX_MS, this.#random),
        );
      case 'delete-flow-file': {
        const { app, flow } = this.#pick(FLOWS);
        const path = flowFilePath(system.flowDirectory.path, app, flow);
        const removal = this.#delete(kind, path, readersOf(app, flow));
        return { ...removal, reattaches: true, excludes: ringOf(app, flow) };
      }
      case 'delete-image': {
        const path = imageFilePath(system.flowDirectory.path, MIRRORED, 'spectra');
        return { ...this.#delete(kind, path, readersOf(MIRRORED, 'spectra')), reattaches: true };
      }
      case 'delete-runtime-directory':
        return this.#delete(kind, system.directory, allReaders());
      default:
        return kind satisfies never;
    }
  }

  #fault(kind: Kind, target: string, affectedReaders: readonly string[], inject: () => Promise<void>): Fault {
    return {
      kind,
      target,
      affectedReaders,
      inject: async () => {
        await inject();
        return true;
      },
    };
  }

  /** Deletes a file or directory, which its owner puts back. */
  #delete(kind: Kind, path: string, affectedReaders: readonly string[]): Fault {
    return {
      kind,
      target: path,
      affectedReaders,
      inject: async () => {
        if (!existsSync(path)) return false;
        remove(path);
        return true;
      },
    };
  }

  /** Kills a process that its parent restarts. */
  #kill(
    kind: Kind,
    target: string,
    affectedReaders: readonly string[],
    pidNow: () => number | undefined,
  ): Fault {
    return {
      kind,
      target,
      affectedReaders,
      inject: async () => {
        const pid = pidNow();
        const now = performance.now();
        const key = `${kind} ${target}`;
        const kills = (this.#kills.get(key) ?? []).filter((at) => now - at < KILLS_WINDOW_MS);
        if (pid === undefined || kills.length >= KILLS_MAX) return false;
        this.#kills.set(key, [...kills, now]);
        return sendSignal(pid, 'SIGKILL');
      },
    };
  }

  /** Stops a process (SIGSTOP) for a moment. */
  #stop(
    kind: Kind,
    target: string,
    affectedReaders: readonly string[],
    pidNow: () => number | undefined,
  ): Fault {
    const ms = this.#between(STOP_MIN_MS, STOP_MAX_MS);
    return {
      kind,
      target,
      affectedReaders,
      inject: async () => {
        const pid = pidNow();
        if (pid === undefined || !sendSignal(pid, 'SIGSTOP')) return false;
        await pause(ms);
        sendSignal(pid, 'SIGCONT');
        return true;
      },
    };
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random() % from.length] as T;
  }

  #between(min: number, max: number): number {
    return min + (this.#random() % (max - min));
  }
}

/** A ring is gone when its file and the duplicator that would put it back go at one moment. */
function ringOf(app: string, flow: string): string {
  return `ring of ${app}/${flow}`;
}

function readersOf(app: string, flow?: string): string[] {
  return READERS.filter((reader) => reader.app === app && (flow === undefined || reader.flow === flow)).map(
    ({ name }) => name,
  );
}

function allReaders(): string[] {
  return READERS.map(({ name }) => name);
}

/** As `rm -r` does: what is put back meanwhile may keep a directory from its removal. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOTEMPTY') throw error;
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
