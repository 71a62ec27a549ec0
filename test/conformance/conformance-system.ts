/**
 * A real system with drivers, for the conformance tests. A driver is a process in one language that
 * calls its client library as the test commands. Tests start servers through `system`, drivers
 * through `driver`; `stop` ends all and fails the test when something is left.
 */
import { RealSystem } from '../kit/real-system.js';
import { Driver, type Language } from './driver-process.js';

/** Name of the application that a test runs and its drivers connect to. */
export const APP = 'e1';

export class ConformanceSystem {
  readonly system = new RealSystem();
  readonly #drivers: Driver[] = [];

  /** A driver that is connected to the application as a client of this name. */
  async driver(language: Language, name: string): Promise<Driver> {
    const driver = new Driver(language, this.system.environment);
    this.#drivers.push(driver);
    await driver.run('connect', { app: APP, name });
    return driver;
  }

  async stop(failed: boolean): Promise<void> {
    if (failed) {
      for (const { language, errors } of this.#drivers)
        process.stderr.write(`-- ${language} driver\n${errors}\n`);
    }
    await Promise.all(this.#drivers.map((driver) => driver.end()));
    await this.system.stop(failed);
  }
}
