/**
 * Schedules the events of a SpecTcl simulator: one step per interval. Steps are delayed for a few
 * intervals while a reply is being sent, since the display memory would have to be copied; their
 * number and size do not depend on the delay. Uses a timer. Used by simulator.ts.
 */
export interface EventPumpOptions {
  readonly intervalMs: number;
  /** Whether a step now would copy the memory. */
  readonly isDelayed: () => boolean;
  readonly step: (events: number) => void;
}

/** Largest number of intervals by which a step is delayed. */
const DELAY_INTERVALS_MAX = 3;

export class EventPump {
  readonly #options: EventPumpOptions;
  #eventsPerSecond: number;
  #timer: NodeJS.Timeout | undefined;
  /** Number of events of each delayed step. */
  readonly #due: number[] = [];
  /** Part of an event that no step has counted yet. */
  #fraction = 0;

  /** Starts at once. A rate of 0 makes no steps. */
  constructor(eventsPerSecond: number, options: EventPumpOptions) {
    this.#options = options;
    this.#eventsPerSecond = eventsPerSecond;
    this.#timer = setInterval(() => this.#tick(), options.intervalMs);
  }

  get rate(): number {
    return this.#eventsPerSecond;
  }

  set rate(eventsPerSecond: number) {
    this.#eventsPerSecond = eventsPerSecond;
  }

  /** Runs the delayed steps. */
  catchUp(): void {
    for (let events = this.#due.shift(); events !== undefined; events = this.#due.shift()) {
      this.#options.step(events);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#due.length = 0;
  }

  #tick(): void {
    if (this.#eventsPerSecond <= 0) return;
    const exact = (this.#eventsPerSecond * this.#options.intervalMs) / 1000 + this.#fraction;
    const events = Math.floor(exact);
    this.#fraction = exact - events;
    this.#due.push(events);
    if (!this.#options.isDelayed() || this.#due.length > DELAY_INTERVALS_MAX) this.catchUp();
  }
}
