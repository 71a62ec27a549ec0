/**
 * The restarts of one supervised child: their number, whether the start under way is one, and the
 * decision of the restart policy after an end, with the error for a child that is given up. Used
 * by supervisor.ts. Pure.
 */
import { MirrorflowError } from '../../base/errors.js';
import { CHILD_RESTART_LIMITS, RestartPolicy, type RestartLimits } from './restart-policy.js';

export class Restarts {
  readonly #title: string;
  readonly #limits: RestartLimits;
  readonly #policy: RestartPolicy;
  /** Starts after deaths. */
  count = 0;
  /** Whether the start under way is to repair a death. */
  isUnderWay = false;

  /** `title`: what the child is, for messages. */
  constructor(title: string, limits: RestartLimits = CHILD_RESTART_LIMITS) {
    this.#title = title;
    this.#limits = limits;
    this.#policy = new RestartPolicy(limits);
  }

  /** Milliseconds to the next start, or the error of a child that has ended too often. */
  afterEnd(nowMs: number, cause: MirrorflowError): number | MirrorflowError {
    const decision = this.#policy.died(nowMs);
    if (decision.kind === 'restart') return decision.delayMs;
    const { deaths } = decision;
    const message =
      `${this.#title} ended ${deaths} times within ${this.#limits.windowMs / 1000} s and is not started again ` +
      `until it is requested; the last time: ${cause.message}`;
    return new MirrorflowError(cause.code, message, { deaths }, cause);
  }

  begin(): void {
    this.count += 1;
    this.isUnderWay = true;
  }

  /** Forgets earlier deaths, for a start that was requested. */
  reset(): void {
    this.#policy.reset();
    this.count = 0;
  }
}
