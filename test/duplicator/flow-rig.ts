/** Runs a MirrorFlow on a simulated SpecTcl in temporary directories, with link clients for it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MirrorFlow } from '../../duplicator/mirror/mirror-flow.js';
import { parseOptions, type MirrorFlowOptions } from '../../duplicator/options.js';
import {
  duplicatorArguments,
  type DuplicatorDocument,
} from '../../protocol/rpc/contract/duplicator-options.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.js';
import { systemClock } from '../../protocol/base/clock.js';
import type { LinkConnection, LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, type Hello } from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import { SMALL_SPECTRA } from './mirror/source-rig.js';
import { eventually } from '../kit/eventually.js';
import { silent } from '../kit/silent-log.js';

/** Long: the simulator answers in this process, which may be busy. */
const ENVIRONMENT = { MIRRORFLOW_START_TIMEOUT: '45000' };

type Settings = Partial<DuplicatorDocument>;

export class FlowRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly runtime = join(this.directory, 'run');
  readonly flows = join(this.directory, 'flows');
  readonly links: LinkConnection[] = [];
  simulator!: Simulator;
  flow!: MirrorFlow;

  static async make(options: Settings = {}, simulator: SimulatorOptions = {}): Promise<FlowRig> {
    const rig = new FlowRig();
    rig.simulator = await startSimulator({
      channelBytes: 128 * 1024,
      spectra: SMALL_SPECTRA,
      rate: 0,
      noDelay: true,
      ...simulator,
    });
    rig.flow = rig.another(options);
    return rig;
  }

  /** The command line of a duplicator of this mirror. */
  args(settings: Settings = {}, source = this.simulator.address): string[] {
    const options = {
      application: 'test',
      directory: this.runtime,
      flowDirectory: this.flows,
      updateIntervalMs: 5,
      idleIntervalMs: 10,
      ringBytes: 64 * 1024 * 1024,
      ...settings,
    };
    return duplicatorArguments({ flow: 'spectra', direction: 'input', source, options });
  }

  another(settings: Settings = {}): MirrorFlow {
    return new MirrorFlow(
      parseOptions(this.args(settings), ENVIRONMENT) as MirrorFlowOptions,
      systemClock,
      silent,
    );
  }

  async publishMore(count: number): Promise<void> {
    const target = this.flow.published + count;
    await eventually(() => {
      this.simulator.step(10);
      return this.flow.published >= target;
    }, `publication ${target}`);
  }

  async client(hello: Partial<Hello> = {}): Promise<TestClient> {
    mkdirSync(this.runtime, { recursive: true });
    const link = await streamLink().connect(this.flow.places.link);
    this.links.push(link);
    return new TestClient(link, hello);
  }

  async close(): Promise<void> {
    for (const link of this.links) link.destroy();
    await this.flow.close();
    await this.simulator.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class TestClient {
  readonly link: LinkConnection;
  readonly received: [kind: MessageKind, value: number, detail: number][] = [];
  end: LinkEnd | undefined;

  constructor(link: LinkConnection, hello: Partial<Hello>) {
    this.link = link;
    link.onMessage((kind, value, detail) => this.received.push([kind, value, detail]));
    link.onClose((end) => (this.end = end));
    const { version, ...rest } = hello;
    const full = { role: 'consumer', delivery: 'lossless', start: 'oldest', ...rest } as const;
    link.signal(MessageKind.HELLO, 1, packHello(full, version));
  }

  newest(kind: MessageKind): number | undefined {
    return this.received.findLast(([received]) => received === kind)?.[1];
  }

  /** Waits for a message of this kind with a value of at least `least`, and returns the value. */
  async waitFor(kind: MessageKind, least = 0): Promise<number> {
    await eventually(() => (this.newest(kind) ?? -1) >= least, `message ${kind} of ${least}`);
    return this.newest(kind) ?? 0;
  }
}
