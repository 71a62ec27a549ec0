/**
 * A real system for one test: a host server and all that it starts, as processes in directories of
 * their own, with simulated SpecTcls and clients in this process. `stop` ends everything and fails
 * the test when files or processes are left. Used by the tests of system/, network/, browser/ and
 * client-lib/.
 */
import { connect, connectHost, type Client, type HostConnection } from '../../client-lib/index.js';
import { programPath } from '../../protocol/base/installation.js';
import { startSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.js';
import { eventually } from './eventually.js';
import type { TestProcess } from './test-process.js';
import { TestRuntime, type RuntimeOptions } from './test-runtime.js';

export interface RealSystemOptions extends RuntimeOptions {
  /** Further options of the host server; with its `--listen` when the default does not fit. */
  readonly hostOptions?: readonly string[];
}

/** For `RealSystem.web`: a free port. */
export const ANY_WEB_PORT = 'tcp://127.0.0.1:0';

export class RealSystem extends TestRuntime {
  /** The program that `startHost` runs. */
  hostServerProgram = programPath('host-server');
  /** Address of the web viewer; asked at each start of the host server. */
  web = 'off';
  readonly #hostOptions: readonly string[];
  readonly #clients = new Set<Client>();
  readonly #simulators = new Set<Simulator>();
  #hostServer: TestProcess | undefined;
  #host: HostConnection | undefined;

  constructor({ hostOptions = [], ...options }: RealSystemOptions = {}) {
    super(options);
    this.#hostOptions = hostOptions;
  }

  override get environment(): NodeJS.ProcessEnv {
    return { ...super.environment, MIRRORFLOW_WEB: this.web };
  }

  /** The connection to the host server that was started last. */
  get host(): HostConnection {
    if (this.#host === undefined) throw new Error('the host server was not started');
    return this.#host;
  }

  /** The socket of a host server that was killed accepts connections until its process is gone. */
  async #answeringHost(): Promise<HostConnection | undefined> {
    const host = await connectHost({ directory: this.directory }).catch(() => undefined);
    if (host === undefined || (await host.info().catch(() => undefined)) !== undefined) return host;
    await host.close();
    return undefined;
  }

  /** Starts the host server, connects to it, and runs applications without a source. */
  async startHost(...applications: readonly string[]): Promise<TestProcess> {
    const listen = this.#hostOptions.includes('--listen') ? [] : ['--listen', 'tcp://127.0.0.1:0'];
    const server = this.program(this.hostServerProgram, [...listen, ...this.#hostOptions]);
    this.#hostServer = server;
    this.#host = await eventually(async () => {
      if (server.hasEnded) throw new Error(`the host server ended:\n${server.errors}`);
      return this.#answeringHost();
    }, 'the host server answers');
    for (const name of applications) await this.#host.run({ name });
    return server;
  }

  async simulator(options: SimulatorOptions): Promise<Simulator> {
    const simulator = await startSimulator({ noDelay: true, ...options });
    this.#simulators.add(simulator);
    return simulator;
  }

  async client(app: string, name = 'test'): Promise<Client> {
    const client = await connect({ app, name, directory: this.directory });
    this.#clients.add(client);
    return client;
  }

  /** Process id of a flow's duplicator; undefined while none runs. */
  async duplicatorPid(client: Client, flow = 'spectra'): Promise<number | undefined> {
    return (await client.flows()).find((info) => info.flow === flow && info.state === 'running')?.pid;
  }

  /** Process id of an application's app server; 0 while none runs. */
  async appServerPid(app: string): Promise<number> {
    const info = (await this.host.applications()).find(({ name }) => name === app);
    return info?.state === 'running' ? (info.pid ?? 0) : 0;
  }

  /** Closes clients, then stops the host server, which stops its children, then all programs. */
  override async end(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#host?.close();
    if (this.#hostServer?.hasEnded === false) await this.#hostServer.stop();
    await super.end();
    await Promise.all([...this.#simulators].map((simulator) => simulator.close()));
  }

  /**
   * Ends everything and removes the directories. `failed`: the test has failed; its logs are
   * printed then, otherwise this throws when a process, socket or flow file is left.
   */
  async stop(failed: boolean): Promise<void> {
    if (failed) process.stderr.write(`${this.logs()}\n`);
    await this.end();
    // A spare process notices the death of its app server when it has loaded its modules.
    const hasSpare = (): boolean => this.leftovers().some((one) => one.includes(' --spare '));
    await eventually(() => !hasSpare(), 'the spare processes of killed app servers end');
    const left = this.leftovers();
    this.remove();
    if (!failed && left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
  }
}
