/**
 * The system under chaos: a host server, applications, a simulated SpecTcl behind a proxy,
 * providers and readers, each a real process in temporary directories. `run.ts` starts and stops
 * it; the faults hit its processes. It finds the process ids, restarts what no parent process
 * restarts (as a service manager or a user would), and removes everything at the end. Spawns
 * processes, opens sockets, and writes below its own directories only.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectHost } from '../../client-lib/index.js';
import { appSocketPath, flowFilePath, hostSocketPath, linkSocketPath } from '../../protocol/base/paths.js';
import { HOST_RIGHTS, USER_RIGHTS } from '../../protocol/base/rights.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import { programPath } from '../../protocol/base/installation.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { FlowDirectory } from './flow-directory.js';
import type { FloodTarget } from './flood.js';
import { eventually } from '../kit/eventually.js';
import { filesBelow, leftovers } from '../kit/leftovers.js';
import type { Ledger } from './ledger.js';
import { Participant, type ParticipantOptions } from './participant.js';
import { APPLICATIONS, FLOWS, MIRRORED, READERS, type FlowPlan } from './plan.js';
import { Reader } from './reader.js';
import { SourceProxy } from './source-proxy.js';

const START_TIMEOUT_MS = 60_000;
const DRAIN_TIMEOUT_MS = 60_000;
/** From the unexpected end of a process to its restart. */
const RESTART_DELAY_MS = 20;
/** Memory of the mirror's ring: several publications of the simulator's 8 MiB. */
const RING_BYTES = 24 * 2 ** 20;

interface SourcePorts {
  readonly restPort: number;
  readonly mirrorPort: number;
}

export class ChaosSystem {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-chaos-'));
  /** Logs of the participants: the runtime directory is deleted by faults. */
  readonly #logDirectory = mkdtempSync(join(tmpdir(), 'mirrorflow-chaos-logs-'));
  readonly #configFile = join(this.#logDirectory, 'host.json');
  readonly flowDirectory = new FlowDirectory();
  readonly readers = new Map<string, Reader>();
  /** By `app/flow`. */
  readonly providers = new Map<string, Participant>();
  readonly hostServer: Participant;
  readonly simulator: Participant;
  proxies: readonly SourceProxy[] = [];
  readonly #ledger: Ledger;
  readonly #onProblem: (problem: string) => void;
  /** Run of each provider, by `app/flow`; 0 where there is no entry. */
  readonly #runs = new Map<string, number>();
  /** Ports of the simulator; 0 until it has reported them. */
  #ports: SourcePorts = { restPort: 0, mirrorPort: 0 };
  #isSimulatorListening = false;
  #stopping = false;

  /** `onProblem` receives problems that are not about buffers, such as processes that end. */
  constructor(ledger: Ledger, onProblem: (problem: string) => void) {
    this.#ledger = ledger;
    this.#onProblem = onProblem;
    this.hostServer = this.#participant('host-server', programPath('host-server'), () => [
      '--listen',
      'tcp://127.0.0.1:0',
      '--config',
      this.#configFile,
    ]);
    this.simulator = this.#participant('simulator', 'simulator/main.js', () => this.#simulatorOptions(), (line) => {
      if (!line.startsWith('{')) return;
      this.#ports = JSON.parse(line) as SourcePorts;
      this.#isSimulatorListening = true;
    }); // prettier-ignore
    for (const plan of FLOWS) {
      const name = `${plan.app}/${plan.flow}`;
      this.providers.set(
        name,
        this.#participant(`provider-${plan.flow}`, 'test/chaos/programs/provider.js', () => this.#providerArguments(plan), (line) =>
          this.#onProviderLine(name, line),
        ),
      ); // prettier-ignore
    }
    for (const plan of READERS) {
      const reader: Reader = new Reader(
        plan,
        ledger,
        this.#processOptions(plan.name, () => reader.restart()),
        onProblem,
      );
      this.readers.set(plan.name, reader);
    }
  }

  /** Starts everything; resolves when every reader has delivered a buffer. */
  async start(): Promise<void> {
    this.proxies = [
      await SourceProxy.start(() => this.#ports.restPort),
      await SourceProxy.start(() => this.#ports.mirrorPort),
    ];
    this.#configure();
    this.simulator.start();
    await eventually(() => this.#ports.restPort > 0, 'the simulator listens', START_TIMEOUT_MS);
    this.hostServer.start();
    await eventually(() => this.#hasAppServers(), 'the host server has its app servers', START_TIMEOUT_MS);
    for (const provider of this.providers.values()) provider.start();
    await eventually(
      () => FLOWS.every(({ app, flow }) => this.duplicatorPid(app, flow) !== undefined),
      'every flow has a duplicator',
      START_TIMEOUT_MS,
    );
    for (const { program } of this.readers.values()) program.start();
    const deliveries = await Promise.all(
      [...this.readers.values()].map((reader) => reader.waitForDelivery(0, START_TIMEOUT_MS)),
    );
    if (deliveries.includes(undefined))
      throw new Error(`not every reader has delivered a buffer:\n${this.#logs()}`);
  }

  /**
   * As an operator does: without a configuration no process knows the applications when host
   * server, app server and runtime directory go at the same time.
   */
  #configure(): void {
    const [rest, mirror] = this.proxies;
    const source = `spectcl://127.0.0.1?rest=${rest?.port}&mirror=${mirror?.port}`;
    const applications = APPLICATIONS.map((name) => ({
      name,
      ...(name === MIRRORED ? { source, updateIntervalMs: 30, ringBytes: RING_BYTES } : {}),
    }));
    writeFileSync(this.#configFile, JSON.stringify({ applications }));
  }

  /** Kills a provider (`app/flow`) and starts the next run of its flow. */
  async restartProvider(name: string): Promise<void> {
    await this.providers.get(name)?.kill();
    this.#runs.set(name, (this.#runs.get(name) ?? 0) + 1);
    this.providers.get(name)?.start();
  }

  /** Kills the simulator and starts it again on the same ports; resolves when it listens. */
  async restartSimulator(): Promise<void> {
    await this.simulator.kill();
    this.#isSimulatorListening = false;
    this.simulator.start();
    await eventually(() => this.#isSimulatorListening, 'the simulator listens', START_TIMEOUT_MS);
  }

  appServerPid(app: string): number | undefined {
    try {
      const record = JSON.parse(readFileSync(join(this.directory, 'apps', `${app}.json`), 'utf8')) as {
        pid: number;
        startTicks: number;
      };
      const identity = { pid: record.pid, startTicks: BigInt(record.startTicks), bootId: undefined };
      return isAlive(identity) ? record.pid : undefined;
    } catch {
      return undefined;
    }
  }

  duplicatorPid(app: string, flow: string): number | undefined {
    const inspected = inspectFlowFile(flowFilePath(this.flowDirectory.path, app, flow));
    return inspected.kind === 'owned' ? inspected.pid : undefined;
  }

  /** All sockets and ports on which the system listens. */
  listeners(): FloodTarget[] {
    const { directory } = this;
    const flows = [...FLOWS, { app: MIRRORED, flow: 'spectra' }];
    return [
      ...HOST_RIGHTS.map((right) => ({ path: hostSocketPath(directory, right) })),
      ...APPLICATIONS.flatMap((app) =>
        USER_RIGHTS.map((right) => ({ path: appSocketPath(directory, app, right) })),
      ),
      ...flows.map(({ app, flow }) => ({ path: linkSocketPath(directory, app, flow) })),
      ...['host', ...APPLICATIONS.map((app) => join('apps', app))].flatMap((name) => {
        const port = recordOf(join(directory, `${name}.json`))?.port;
        return port === undefined ? [] : [{ port }];
      }),
    ];
  }

  /**
   * Stops everything in order: providers, readers once they have delivered what was published, then
   * the servers. Resolves with the leftovers: files and processes that still exist.
   */
  async stop(): Promise<string[]> {
    this.#stopping = true;
    await Promise.all([...this.providers.values()].map((provider) => provider.stop()));
    const losslessReaders = READERS.filter(({ mode }) => mode === 'lossless');
    const drained = (): boolean => losslessReaders.every(({ name }) => this.#ledger.isUpToDate(name));
    await eventually(drained, 'every lossless reader has delivered everything', DRAIN_TIMEOUT_MS).catch(
      (error: unknown) => this.#onProblem(String(error)),
    );
    await Promise.all([...this.readers.values()].map(({ program }) => program.kill()));
    // One that was killed last has to find the app servers before it can stop them.
    await eventually(
      () => this.#hasAppServers(),
      'the host server has its app servers',
      START_TIMEOUT_MS,
    ).catch((error: unknown) => this.#onProblem(String(error)));
    await this.hostServer.stop();
    await this.simulator.stop();
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    const leftBehind = leftovers([this.directory, this.flowDirectory.path]);
    for (const line of this.#logs().split('\n')) if (line.includes('internal error')) this.#onProblem(line);
    this.flowDirectory.remove();
    for (const directory of [this.directory, this.#logDirectory])
      rmSync(directory, { recursive: true, force: true });
    return leftBehind;
  }

  async #hasAppServers(): Promise<boolean> {
    const host = await connectHost({ directory: this.directory }).catch(() => undefined);
    try {
      const running =
        (await host?.applications().catch(() => []))?.filter(({ state }) => state === 'running') ?? [];
      return APPLICATIONS.every((app) =>
        running.some(({ name, pid }) => name === app && pid === this.appServerPid(app)),
      );
    } finally {
      await host?.close();
    }
  }

  #simulatorOptions(): string[] {
    const { restPort, mirrorPort } = this.#ports;
    const ports = ['--rest-port', String(restPort), '--mirror-port', String(mirrorPort)];
    return [
      ...ports,
      '--json',
      '--end-with-stdin',
      '--no-delay',
      '--memory',
      '2',
      '--rate',
      '10000',
      '--interval',
      '50',
    ];
  }

  #providerArguments({ app, flow, size, buffers, batch }: FlowPlan): string[] {
    return [app, flow, ...[size, buffers, this.#runs.get(`${app}/${flow}`) ?? 0, batch].map(String)];
  }

  #onProviderLine(name: string, line: string): void {
    const [kind, next] = line.split(' ');
    if (kind === 'P') this.#ledger.recordPublished(name, this.#runs.get(name) ?? 0, Number(next));
  }

  #participant(
    name: string,
    script: string,
    args: () => string[],
    onLine?: (line: string) => void,
  ): Participant {
    const restart = (): void => {
      const flow = [...this.providers].find(([, { name: providerName }]) => providerName === name)?.[0];
      if (flow === undefined) participant.start();
      else void this.restartProvider(flow);
    };
    const participant = new Participant({
      name,
      script,
      args,
      ...this.#processOptions(name, restart),
      ...(onLine === undefined ? {} : { onLine }),
    });
    return participant;
  }

  /** A process that ends unexpectedly is reported as a problem; then `restart` is called. */
  #processOptions(
    name: string,
    restart: () => void,
  ): Pick<ParticipantOptions, 'env' | 'logFile' | 'onUnexpectedExit'> {
    return {
      env: {
        ...ownChildEnvironment(process.env),
        MIRRORFLOW_DIR: this.directory,
        MIRRORFLOW_FLOW_DIR: this.flowDirectory.path,
        MIRRORFLOW_LOG_LEVEL: 'info',
      },
      logFile: join(this.#logDirectory, `${name}.log`),
      onUnexpectedExit: (how) => {
        if (this.#stopping) return;
        this.#onProblem(
          `${name} ended unexpectedly (${how}): ${tail(join(this.#logDirectory, `${name}.log`))}`,
        );
        setTimeout(restart, RESTART_DELAY_MS);
      },
    };
  }

  #logs(): string {
    return [...filesBelow(this.#logDirectory), ...filesBelow(this.directory)]
      .filter((path) => path.endsWith('.log'))
      .map((path) => `-- ${path}\n${readFileSync(path, 'utf8')}`)
      .join('\n');
  }
}

/** The record of a server; undefined while it has none. */
function recordOf(path: string): { readonly port?: number; readonly pid?: number } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { port?: number; pid?: number };
  } catch {
    return undefined;
  }
}

/** The last 400 characters of a log. */
function tail(path: string): string {
  return readFileSync(path, 'utf8').slice(-400);
}
