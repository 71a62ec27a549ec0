/**
 * When events happen: steps at an interval, held back while a reply is being sent so that the
 * memory need not be copied, but never for long. The number and size of steps do not depend on how
 * long they were held back.
 */
export interface EventPumpOptions {
  readonly intervalMs: number;
  /** Whether a step now would make the memory be copied. */
  readonly held: () => boolean;
  readonly step: (events: number) => void;
}

/** Intervals a step may be held back before it happens nevertheless. */
const HELD_INTERVALS_MAX = 3;

export class EventPump {
  readonly #options: EventPumpOptions;
  #eventsPerSecond: number;
  #timer: NodeJS.Timeout | undefined;
  /** Steps that are due, with their events. */
  readonly #due: number[] = [];
  #fraction = 0;

  /** Starts at once. Rate 0 makes no steps. */
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

  /** To be called when nothing is held any more. */
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
    if (!this.#options.held() || this.#due.length > HELD_INTERVALS_MAX) this.catchUp();
  }
}
