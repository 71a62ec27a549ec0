/**
 * The runs of a SpecTcl simulator: their number, title and state, as the variables RunNumber,
 * RunTitle and RunState have them. Used by simulator.ts and rest-service.ts. Pure.
 */
export interface RunVariables {
  readonly RunNumber: string;
  readonly RunTitle: string;
  readonly RunState: 'Active' | 'Halted';
}

const TITLE = 'Simulated run, no beam';

export class Runs {
  #number = 1;
  #title = TITLE;
  #isActive: boolean;

  /** `isActive`: whether the first run has begun. */
  constructor(isActive: boolean) {
    this.#isActive = isActive;
  }

  /** Whether events arrive. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Begins the next run, or continues the one that has not ended. */
  start(title = TITLE): void {
    if (this.#isActive) return;
    this.#isActive = true;
    this.#number += 1;
    this.#title = title;
  }

  stop(): void {
    this.#isActive = false;
  }

  get variables(): RunVariables {
    return {
      RunNumber: String(this.#number),
      RunTitle: this.#title,
      RunState: this.#isActive ? 'Active' : 'Halted',
    };
  }
}
