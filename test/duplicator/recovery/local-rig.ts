/**
 * Runs a local flow's duplicator in this process, or as a program that a test can kill, in
 * temporary directories.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalFlow } from '../../../duplicator/local/local-flow.js';
import {
  duplicatorArguments,
  type DuplicatorDocument,
} from '../../../protocol/rpc/contract/duplicator-options.js';
import { parseOptions, type LocalFlowOptions } from '../../../duplicator/options.js';
import { Logger } from '../../../protocol/base/log.js';
import { TestProcess } from '../../fixtures/child-process.js';

type Settings = Partial<DuplicatorDocument>;

export class LocalRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly runtime = join(this.directory, 'run');
  readonly flows = join(this.directory, 'flows');
  readonly #flows: LocalFlow[] = [];
  readonly #programs: TestProcess[] = [];
  readonly logged: string[] = [];

  constructor() {
    mkdirSync(join(this.runtime, 'links'), { recursive: true, mode: 0o750 });
  }

  get path(): string {
    return join(this.flows, 'test', 'events.flow');
  }

  /** The command line of a duplicator of this flow. */
  args(settings: Settings = {}, buffers = 8): string[] {
    const options = { application: 'test', directory: this.runtime, flowDirectory: this.flows, ...settings };
    return duplicatorArguments({ flow: 'events', direction: 'output', bufferSize: 1000, buffers, options });
  }

  async flow(settings: Settings = {}, buffers = 8): Promise<LocalFlow> {
    const log = new Logger('test', { format: 'json', sink: (line) => void this.logged.push(line) });
    const flow = new LocalFlow(parseOptions(this.args(settings, buffers), {}) as LocalFlowOptions, log);
    await flow.start();
    this.#flows.push(flow);
    return flow;
  }

  /** Starts the duplicator as a program and waits until it is ready. */
  async program(settings: Settings = {}, env: NodeJS.ProcessEnv = {}, buffers = 8): Promise<TestProcess> {
    const program = new TestProcess('duplicator/main', this.args(settings, buffers), {
      MIRRORFLOW_LOG_FORMAT: 'json',
      ...env,
    });
    this.#programs.push(program);
    await program.until(() => program.errors.includes('"message":"ready"'));
    return program;
  }

  async close(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.kill()));
    await Promise.all(this.#flows.map((flow) => flow.close()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
