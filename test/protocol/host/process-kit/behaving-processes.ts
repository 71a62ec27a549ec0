/**
 * Real processes of one behaviour each (test/fixtures/child-behaviours.ts) for tests of processes
 * that are no children of their supervisor. Starts them; `kill` ends all.
 */
import { identityOfProcess, type OwnerIdentity } from '../../../../protocol/base/owner-identity.js';
import { TestProcess } from '../../../kit/test-process.js';

export class BehavingProcesses {
  readonly #started: TestProcess[] = [];

  /** Resolves when the process runs. */
  async start(behaviour: string): Promise<{ child: TestProcess; identity: OwnerIdentity }> {
    const child = new TestProcess('test/fixtures/child-behaviours', [behaviour]);
    this.#started.push(child);
    await child.line();
    const identity = identityOfProcess(child.pid);
    if (identity === undefined) throw new Error(`/proc shows no process ${child.pid}: ${behaviour}`);
    return { child, identity };
  }

  async kill(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((child) => child.kill()));
  }
}
