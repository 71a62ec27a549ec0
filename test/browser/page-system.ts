/**
 * A whole system with a simulated SpecTcl, its web viewer, and a browser with one page. Collects
 * the errors of the page. Used by the tests of browser/. Starts processes; `stop` ends them.
 */
import type { Page } from 'playwright-core';
import type { ApplicationOptions } from '../../client-lib/index.js';
import type { Simulator } from '../../simulator/simulator.js';
import { needsBrowser, openBrowser, type BrowserOptions } from './browser.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

export const SECRET = 'a secret for the tests';

export interface PageSystemOptions extends BrowserOptions {
  /** Whether the viewer has SECRET, so that the page can start and stop applications. */
  readonly secret?: boolean;
  /** Further options of the application `e1`. */
  readonly application?: Partial<ApplicationOptions>;
  /** Folder of the package jsroot; without it the viewer looks beside its program. */
  readonly jsroot?: string;
  /** Further options of the host server. */
  readonly hostOptions?: readonly string[];
}

export class PageSystem {
  readonly system: RealSystem;
  /** Uncaught errors of the page, and the error messages of its console. */
  readonly problems: string[] = [];
  simulator!: Simulator;
  page!: Page;
  /** URL of the page, with a slash at its end; empty before the start. */
  address = '';
  #closeBrowser: () => Promise<void> = () => Promise.resolve();

  private constructor(secret: boolean, jsroot: string, hostOptions: readonly string[]) {
    const environment = { MIRRORFLOW_JSROOT: jsroot };
    this.system = new RealSystem({ environment, hostOptions, ...(secret && { secret: SECRET }) });
  }

  /** Starts everything: the application `e1` runs, its source has counted some events. */
  static async start({
    secret = false,
    jsroot = '',
    application = {},
    hostOptions = [],
    ...options
  }: PageSystemOptions = {}): Promise<PageSystem> {
    const created = new PageSystem(secret, jsroot, hostOptions);
    try {
      await created.#start(options, application);
    } catch (error) {
      await created.stop(true);
      throw error;
    }
    return created;
  }

  async stop(failed: boolean): Promise<void> {
    await this.#closeBrowser();
    await this.system.stop(failed);
  }

  async #start(options: BrowserOptions, application: Partial<ApplicationOptions>): Promise<void> {
    const { system } = this;
    system.web = 'tcp://127.0.0.1:0';
    await system.startHost();
    this.simulator = await system.simulator({ rate: 0 });
    this.simulator.step(20_000);
    const { address: source } = this.simulator;
    await system.host.run({ name: 'e1', source, updateIntervalMs: 50, ...application });
    this.address = await eventually(async () => (await system.host.info()).web, 'the web viewer serves');
    const browser = await openBrowser(options);
    this.#closeBrowser = browser.close;
    this.page = browser.context.pages()[0] ?? (await browser.context.newPage());
    this.page.on('pageerror', (error) => this.problems.push(error.message));
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }
}

/**
 * Registers hooks for a suite that needs a browser; the returned function starts a system, at most
 * one per test, which is stopped after the test.
 */
export function startsPages(): (options?: PageSystemOptions) => Promise<PageSystem> {
  let running: PageSystem | undefined;

  needsBrowser();

  afterEach(async function () {
    await running?.stop(this.currentTest?.state === 'failed');
    running = undefined;
  });

  return async (options) => {
    running = await PageSystem.start(options);
    return running;
  };
}
