/**
 * A process under the control of a test, for supervisors without real processes. Used by the tests
 * of the process kit. Pure.
 */
import type { MirrorflowError } from '../../../../protocol/base/errors.js';
import type { StartedProcess } from '../../../../protocol/host/process-kit/supervised-process.js';

export class FakeProcess<Ready> implements StartedProcess<Ready> {
  adopted = false;
  readonly launch: string;
  readonly ready: Promise<Ready>;
  readonly exited: Promise<string>;
  /** Calls of `stop`. */
  stops = 0;
  released = false;
  readonly #endsWhenStopped: boolean;
  #resolve: (exit: string) => void = () => undefined;
  #reject: (cause: MirrorflowError) => void = () => undefined;

  constructor(
    readonly pid: number,
    endsWhenStopped = false,
  ) {
    this.launch = `launch-${pid}`;
    this.#endsWhenStopped = endsWhenStopped;
    this.ready = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.ready.catch(() => undefined);
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  end(exit: string): void {
    this.#resolve(exit);
  }

  reportReady(): void {}

  failed(cause: MirrorflowError): void {
    this.#reject(cause);
  }

  stop(): Promise<void> {
    this.stops += 1;
    if (this.#endsWhenStopped) this.end('SIGTERM');
    return Promise.resolve();
  }

  connected(): void {}

  release(): void {
    this.released = true;
  }
}

/** Resolves when promises that have settled have run their callbacks. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
