/**
 * Runs a MirrorFlow (the mirror side of a duplicator) on a simulated SpecTcl in this process, with
 * clients of its signal link. Used by the tests of the duplicator. Creates directories in the
 * temporary one and removes them; opens TCP ports on loopback and Unix sockets.
 */
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

/** In ms. Long: the simulator answers in this process, which may be busy. */
const ENVIRONMENT = { MIRRORFLOW_START_TIMEOUT: '45000' };

/** Options of the duplicator that replace those of the rig. */
type Settings = Partial<DuplicatorDocument>;

export class FlowRig {
  readonly root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly runtimeDirectory = join(this.root, 'run');
  readonly flowDirectory = join(this.root, 'flows');
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
    rig.flow = rig.makeFlow(options);
    return rig;
  }

  /** The command line of a duplicator of this mirror. */
  args(settings: Settings = {}, source = this.simulator.address): string[] {
    const options = {
      application: 'test',
      directory: this.runtimeDirectory,
      flowDirectory: this.flowDirectory,
      updateIntervalMs: 5,
      idleIntervalMs: 10,
      ringBytes: 64 * 1024 * 1024,
      ...settings,
    };
    return duplicatorArguments({ flow: 'spectra', direction: 'input', source, options });
  }

  /**
   * A MirrorFlow of these directories and this simulator that is not started; the test closes it.
   */
  makeFlow(settings: Settings = {}): MirrorFlow {
    return new MirrorFlow(
      parseOptions(this.args(settings), ENVIRONMENT) as MirrorFlowOptions,
      systemClock,
      silent,
    );
  }

  /** Adds events to the spectra until `count` more publications are there. */
  async publishMore(count: number): Promise<void> {
    const target = this.flow.published + count;
    await eventually(() => {
      this.simulator.step(10);
      return this.flow.published >= target;
    }, `publication ${target}`);
  }

  /**
   * Connects to the signal link and sends HELLO, by default of a lossless consumer from the oldest.
   */
  async client(hello: Partial<Hello> = {}): Promise<TestClient> {
    mkdirSync(this.runtimeDirectory, { recursive: true });
    const link = await streamLink().connect(this.flow.layout.link);
    this.links.push(link);
    return new TestClient(link, hello);
  }

  async close(): Promise<void> {
    for (const link of this.links) link.destroy();
    await this.flow.close();
    await this.simulator.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A client of the signal link that records every message. */
export class TestClient {
  readonly link: LinkConnection;
  readonly received: [kind: MessageKind, value: number, detail: number][] = [];
  /** How the connection was closed; undefined while it is open. */
  closeReason: LinkEnd | undefined;

  constructor(link: LinkConnection, hello: Partial<Hello>) {
    this.link = link;
    link.onMessage((kind, value, detail) => this.received.push([kind, value, detail]));
    link.onClose((end) => (this.closeReason = end));
    const { version, ...rest } = hello;
    const full = { role: 'consumer', delivery: 'lossless', start: 'oldest', ...rest } as const;
    link.signal(MessageKind.HELLO, 1, packHello(full, version));
  }

  /** Value of the newest message of this kind. */
  newestValue(kind: MessageKind): number | undefined {
    return this.received.findLast(([received]) => received === kind)?.[1];
  }

  /** Waits for a message of this kind with a value of at least `least`, and returns the value. */
  async waitFor(kind: MessageKind, least = 0): Promise<number> {
    await eventually(() => (this.newestValue(kind) ?? -1) >= least, `message ${kind} of ${least}`);
    return this.newestValue(kind) ?? 0;
  }
}
