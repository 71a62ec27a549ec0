/**
 * A miniature host in the test's own process: flows as a duplicator has them, in a temporary
 * directory, with providers and consumers of the client library on them. Used by the tests of the
 * client library and of flows between hosts. Opens sockets; `close` removes all files.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openInputFlow, type InputFlow } from '../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../client-lib/input/input-options.js';
import { attachOutputFlow, type OutputFlow } from '../../client-lib/output/output-flow.js';
import type { OutputFlowOptions } from '../../client-lib/output/output-options.js';
import type { DuplicatedFlow } from '../../duplicator/serving/duplicated-flow.js';
import { LocalFlow } from '../../duplicator/local/local-flow.js';
import { parseOptions } from '../../duplicator/options.js';
import {
  duplicatorArguments,
  type DuplicatorArguments,
  type DuplicatorDocument,
} from '../../protocol/rpc/contract/duplicator-options.js';
import { RemoteFlow } from '../../duplicator/remote/remote-flow.js';
import { parseAddress } from '../../protocol/base/address.js';
import { systemClock } from '../../protocol/base/clock.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { Logger } from '../../protocol/base/log.js';
import { providerSocketPath } from '../../protocol/base/paths.js';

/** The secret that hosts share unless a test chooses another. */
export const SECRET = 'correct horse battery staple';

type Settings = Partial<DuplicatorDocument>;

export class LocalHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  /** Warnings and errors of the flows, as JSON lines. */
  readonly log: string[] = [];
  readonly #flows: DuplicatedFlow[] = [];
  readonly #clients: { close(): Promise<void> }[] = [];

  readonly #flow: string;
  readonly #secret: string;

  /** `secret`: empty for a host without one. `flow`: the name of its flows. */
  constructor(secret = SECRET, flow = 'events') {
    this.#secret = secret;
    this.#flow = flow;
    mkdirSync(join(this.directory, 'links'), { mode: 0o750 });
    writeFileSync(join(this.directory, 'secret'), secret, { mode: 0o600 });
  }

  get secretFile(): string {
    return join(this.directory, 'secret');
  }

  /** A flow that a provider on this host fills; `bufferSize` in bytes. */
  async local(
    buffers: number,
    bufferSize: number,
    settings: Settings = {},
    flow = this.#flow,
  ): Promise<LocalHostFlow> {
    const options = this.#options({ flow, direction: 'output', buffers, bufferSize }, settings);
    if (options.direction !== 'output') throw new Error('the options describe no local flow');
    return this.#start(new LocalFlow(options, this.#logger));
  }

  /** The flow that the duplicator at the address `source` sends. */
  async remote(source: string, settings: Settings = {}, buffers = 0): Promise<LocalHostFlow> {
    return this.#start(this.makeRemote(source, settings, buffers));
  }

  /** Like `remote`, without starting it. */
  makeRemote(source: string, settings: Settings = {}, buffers = 0): RemoteFlow {
    const options = this.#options({ flow: this.#flow, direction: 'input', source, buffers }, settings);
    if (options.direction !== 'remote') throw new Error('the options describe no flow of another host');
    const flow = new RemoteFlow(options, systemClock, this.#logger);
    this.#flows.push(flow);
    return flow;
  }

  /** Closes providers and consumers, then the flows. */
  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close();
    await this.closeFlows();
  }

  /** Closes the flows below their clients, as ending duplicators do; removes all files. */
  async closeFlows(): Promise<void> {
    for (const flow of this.#flows.splice(0)) await flow.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(flow: DuplicatedFlow): Promise<LocalHostFlow> {
    if (!this.#flows.includes(flow)) this.#flows.push(flow);
    await flow.start();
    return new LocalHostFlow(flow, this, this.#clients);
  }

  get #logger(): Logger {
    return new Logger('test', { level: 'warn', format: 'json', sink: (line) => this.log.push(line) });
  }

  #options(given: Omit<DuplicatorArguments, 'options'>, settings: Settings) {
    const secret = this.#secret === '' ? {} : { secretFile: this.secretFile };
    const options = { application: 'test', ...secret, ...settings };
    return parseOptions(duplicatorArguments({ ...given, options }), {
      MIRRORFLOW_DIR: this.directory,
      MIRRORFLOW_FLOW_DIR: join(this.directory, 'flows'),
    });
  }
}

export class LocalHostFlow {
  readonly flow: DuplicatedFlow;
  readonly file: FlowFile;
  readonly #host: LocalHost;
  readonly #clients: { close(): Promise<void> }[];

  constructor(flow: DuplicatedFlow, host: LocalHost, clients: { close(): Promise<void> }[]) {
    this.flow = flow;
    this.#host = host;
    this.#clients = clients;
    this.file = openFlowFile(flow.layout.file, 'read');
  }

  /** The only flow of a host of its own, which ends at once without clients; see `close`. */
  static start(buffers: number, bufferSize = 64): Promise<LocalHostFlow> {
    return new LocalHost('', 'numbers').local(buffers, bufferSize, { lingerMs: 0, reattachMs: 2_000 });
  }

  /** What the app server answers to a client that opens the flow. */
  get opened(): OpenedFlow {
    const { file, link } = this.flow.layout;
    return { handle: 1, flow: 'events', type: this.flow.type, file, link };
  }

  /** As `opened`, for a provider. */
  get openedToProvide(): OpenedFlow {
    const name = basename(this.flow.layout.file, '.flow');
    return { ...this.opened, link: providerSocketPath(this.#host.directory, 'test', name) };
  }

  /** A provider that the host closes. */
  async provider(options: Partial<OutputFlowOptions> = {}): Promise<OutputFlow> {
    const { bufferSize, buffers } = this.flow.layout;
    const output = await attachOutputFlow(this.openedToProvide, {
      bufferSize,
      buffers,
      ...options,
    } as OutputFlowOptions);
    this.#clients.push(output);
    return output;
  }

  /** A consumer that the host closes; without a flow thread unless the options say otherwise. */
  async consumer(options: InputFlowOptions = {}): Promise<InputFlow> {
    const input = await openInputFlow(this.opened, { inline: true, ...options });
    this.#clients.push(input);
    return input;
  }

  /** Serves the flow to other hosts; resolves with the port. */
  async serve(listen = 'tcp://127.0.0.1:0'): Promise<number> {
    const { address } = await this.flow.serve(
      parseAddress(listen, { schemes: ['tcp', 'tls'], listening: true }),
    );
    return parseAddress(address, { schemes: ['tcp', 'tls'] }).port;
  }

  /** Closes the flow below its clients, as the end of the duplicator does; see `start`. */
  close(): Promise<void> {
    return this.#host.closeFlows();
  }
}

/** Resolves after `turns` turns of the event loop, when what this process has sent has arrived. */
export async function turnsOfEventLoop(turns = 6): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
