/**
 * A whole system with a simulated SpecTcl, its web viewer, and a browser that has one page open;
 * what the page complains of is kept.
 */
import type { Page } from 'playwright-core';
import type { Simulator } from '../../simulator/simulator.js';
import { needsBrowser, openBrowser, type BrowserOptions } from './browser.js';
import { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

export const SECRET = 'a secret for the tests';

export interface PageSystemOptions extends BrowserOptions {
  /**
   * Whether the viewer knows SECRET, so that applications can be started and stopped from the page.
   */
  readonly secret?: boolean;
}

export class PageSystem {
  readonly system: RealSystem;
  /** Errors and messages of the page's console. */
  readonly problems: string[] = [];
  simulator!: Simulator;
  page!: Page;
  address = '';
  #closeBrowser: () => Promise<void> = () => Promise.resolve();

  private constructor(secret: boolean) {
    this.system = new RealSystem(secret ? { secret: SECRET } : {});
  }

  /** The application `e1` runs, its source has counted some events. */
  static async start({ secret = false, ...options }: PageSystemOptions = {}): Promise<PageSystem> {
    const made = new PageSystem(secret);
    try {
      await made.#start(options);
    } catch (error) {
      await made.stop(true);
      throw error;
    }
    return made;
  }

  async stop(failed: boolean): Promise<void> {
    await this.#closeBrowser();
    await this.system.stop(failed);
  }

  async #start(options: BrowserOptions): Promise<void> {
    const { system } = this;
    system.web = 'tcp://127.0.0.1:0';
    await system.startHost();
    this.simulator = await system.simulator({ rate: 0 });
    this.simulator.step(20_000);
    await system.host.run({ name: 'e1', source: this.simulator.address, updateIntervalMs: 50 });
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
 * For a suite that needs a browser: starts what a test asks for, one at a time, and stops it after
 * the test.
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
