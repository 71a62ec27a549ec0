/**
 * The faults: what may happen to whom, and which readers it concerns. Each is drawn from the seed;
 * whether a process that was drawn can be hurt just now is decided when it is, since others may
 * still be coming back.
 */
import type { RandomBits } from '../../simulator/random.js';
import { flood } from './flood.js';
import { APPLICATIONS, FLOWS, MIRRORED, READERS, STEADY } from './plan.js';
import type { Plant } from './plant.js';

export interface Fault {
  readonly kind: string;
  /** Whom it hits, for messages. */
  readonly target: string;
  /** Names of the readers that must be back afterwards. */
  readonly affected: readonly string[];
  /** They must have been attached anew: data alone may come from before. */
  readonly reattaches?: boolean;
  /**
   * Does it and undoes what it can; resolves when those who were hit may go on. False: nobody was
   * there to be hit.
   */
  readonly inject: () => Promise<boolean>;
}

const STOP_MIN_MS = 50;
const STOP_MAX_MS = 500;
const FLOOD_CONNECTIONS = 12;
/**
 * Deaths of one supervised process in this time that are asked of its parent: more of them are a
 * crash loop, which is slowed down on purpose.
 */
const KILLS_MAX = 3;
const KILLS_WINDOW_MS = 30_000;

const DUPLICATED = [...FLOWS, { app: MIRRORED, flow: 'spectra' }];

/** How often each kind is drawn. */
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
} as const;
type Kind = keyof typeof WEIGHTS;

export const FAULT_KINDS: readonly string[] = Object.keys(WEIGHTS);

export class Faults {
  readonly #plant: Plant;
  readonly #random: RandomBits;
  readonly #kills = new Map<string, number[]>();

  readonly #kinds: readonly Kind[];

  /** Of the kinds named, or of all. */
  constructor(plant: Plant, random: RandomBits, only: readonly string[] = []) {
    this.#plant = plant;
    this.#random = random;
    const kinds = Object.keys(WEIGHTS) as Kind[];
    this.#kinds = only.length === 0 ? kinds : kinds.filter((kind) => only.includes(kind));
  }

  /** The next fault of the seed's sequence. */
  draw(): Fault {
    const kinds = this.#kinds;
    const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
    let at = this.#random() % total;
    for (const kind of kinds) {
      at -= WEIGHTS[kind];
      if (at < 0) return this.#make(kind);
    }
    return this.#make(kinds[0] ?? 'flood');
  }

  #make(kind: Kind): Fault {
    const plant = this.#plant;
    switch (kind) {
      case 'kill-consumer':
      case 'stop-consumer': {
        const readers = READERS.filter(({ app }) => kind === 'stop-consumer' || app !== STEADY);
        const { name } = this.#pick(readers);
        const reader = plant.readers.get(name);
        if (kind === 'stop-consumer') return this.#stop(kind, name, [name], () => reader?.program.pid);
        return this.#fault(kind, name, [name], async () => reader?.killAndRestart());
      }
      case 'kill-provider': {
        const { app, flow } = this.#pick(FLOWS.filter(({ app }) => app !== STEADY));
        const name = `${app}/${flow}`;
        return this.#fault(kind, name, readersOf(app, flow), () => plant.restartProvider(name));
      }
      case 'stop-provider': {
        const { app, flow } = this.#pick(FLOWS);
        const name = `${app}/${flow}`;
        return this.#stop(kind, name, readersOf(app, flow), () => plant.providers.get(name)?.pid);
      }
      case 'kill-duplicator': {
        const { app, flow } = this.#pick(DUPLICATED.filter(({ app }) => app !== STEADY));
        const kill = this.#kill(kind, `${app}/${flow}`, readersOf(app, flow), () =>
          plant.duplicatorPid(app, flow),
        );
        return { ...kill, reattaches: true };
      }
      case 'stop-duplicator': {
        const { app, flow } = this.#pick(DUPLICATED);
        return this.#stop(kind, `${app}/${flow}`, readersOf(app, flow), () => plant.duplicatorPid(app, flow));
      }
      case 'kill-app-server': {
        const app = this.#pick(APPLICATIONS.filter((app) => app !== STEADY));
        return this.#kill(kind, app, readersOf(app), () => plant.appServerPid(app));
      }
      case 'stop-app-server': {
        const app = this.#pick(APPLICATIONS);
        return this.#stop(kind, app, readersOf(app), () => plant.appServerPid(app));
      }
      case 'kill-host-server':
        return this.#fault(kind, 'host', everybody(), async () => {
          await plant.hostServer.kill();
          plant.hostServer.start();
        });
      case 'stop-host-server':
        return this.#stop(kind, 'host', everybody(), () => plant.hostServer.pid);
      case 'kill-simulator':
        return this.#fault(kind, 'simulator', readersOf(MIRRORED, 'spectra'), async () => {
          // A source is back when it listens: how long it takes to begin is its own affair.
          await plant.restartSimulator();
        });
      case 'stop-simulator':
        return this.#stop(kind, 'simulator', readersOf(MIRRORED, 'spectra'), () => plant.simulator.pid);
      case 'cut-source': {
        const ms = this.#between(STOP_MIN_MS, STOP_MAX_MS);
        return this.#fault(kind, 'source', readersOf(MIRRORED, 'spectra'), async () => {
          for (const proxy of plant.proxies) proxy.cut();
          await pause(ms);
          for (const proxy of plant.proxies) proxy.mend();
        });
      }
      case 'fill-flow-directory':
        return {
          kind,
          target: 'flow directory',
          affected: everybody(),
          inject: async () => {
            if (!plant.place.fillable) return false;
            const release = plant.place.fill();
            await pause(STOP_MAX_MS);
            release();
            return true;
          },
        };
      case 'flood':
        return this.#fault(kind, 'all sockets and ports', everybody(), () =>
          flood(plant.listeners(), FLOOD_CONNECTIONS, STOP_MAX_MS, this.#random),
        );
      default:
        return kind satisfies never;
    }
  }

  #fault(kind: Kind, target: string, affected: readonly string[], inject: () => Promise<void>): Fault {
    return {
      kind,
      target,
      affected,
      inject: async () => {
        await inject();
        return true;
      },
    };
  }

  /** Of a process that its parent starts again. */
  #kill(kind: Kind, target: string, affected: readonly string[], pidNow: () => number | undefined): Fault {
    return {
      kind,
      target,
      affected,
      inject: async () => {
        const pid = pidNow();
        const now = performance.now();
        const key = `${kind} ${target}`;
        const kills = (this.#kills.get(key) ?? []).filter((at) => now - at < KILLS_WINDOW_MS);
        if (pid === undefined || kills.length >= KILLS_MAX) return false;
        this.#kills.set(key, [...kills, now]);
        return signalled(pid, 'SIGKILL');
      },
    };
  }

  #stop(kind: Kind, target: string, affected: readonly string[], pidNow: () => number | undefined): Fault {
    const ms = this.#between(STOP_MIN_MS, STOP_MAX_MS);
    return {
      kind,
      target,
      affected,
      inject: async () => {
        const pid = pidNow();
        if (pid === undefined || !signalled(pid, 'SIGSTOP')) return false;
        await pause(ms);
        signalled(pid, 'SIGCONT');
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

function readersOf(app: string, flow?: string): string[] {
  return READERS.filter((reader) => reader.app === app && (flow === undefined || reader.flow === flow)).map(
    ({ name }) => name,
  );
}

function everybody(): string[] {
  return READERS.map(({ name }) => name);
}

function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
