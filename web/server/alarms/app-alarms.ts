/**
 * The alarms of one application: judges each rule every second and keeps its state, also over a
 * restart. `AppTrends` has one. Reads and writes the records of alarms; events go to its owner.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { trendOf, type AlarmRule, type AlarmStatus, type AlarmView } from '../../wire/trends.js';
import type { AppRecords } from '../app-records.js';
import { verdictOf, type Observation } from './alarm-condition.js';
import { AlarmState, type AlarmChange } from './alarm-state.js';

/** A change that receivers outside of the viewer get. */
export interface AlarmEvent {
  readonly app: string;
  readonly alarm: string;
  readonly state: AlarmChange;
  readonly rule: AlarmRule;
  readonly value: number | undefined;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

interface Entry {
  readonly rule: AlarmRule;
  readonly state: AlarmState;
  /** Value of the alarm's trend when the state changed last. */
  value: number | undefined;
}

export class AppAlarms {
  readonly #app: string;
  readonly #rules: AppRecords<AlarmRule>;
  readonly #states: AppRecords<AlarmStatus>;
  readonly #entries = new Map<string, Entry>();

  constructor(app: string, rules: AppRecords<AlarmRule>, states: AppRecords<AlarmStatus>, nowMs: number) {
    this.#app = app;
    this.#rules = rules;
    this.#states = states;
    this.update(nowMs);
  }

  /** By name, as pages show them. */
  get views(): Readonly<Record<string, AlarmView>> {
    return Object.fromEntries(
      [...this.#entries].map(([name, { rule, state, value }]) => [
        name,
        { rule, ...state.status, ...(value === undefined ? {} : { value }) },
      ]),
    );
  }

  /** Whether an alarm is there that is about the source itself. */
  get needsSource(): boolean {
    return [...this.#entries.values()].some(({ rule }) => trendOf(rule.condition) === undefined);
  }

  /** Whether an alarm of the end of a run is there. */
  get needsRun(): boolean {
    return [...this.#entries.values()].some(({ rule }) => rule.condition.kind === 'run-ended');
  }

  /** Takes the rules over as they are kept; a changed rule starts again. */
  update(nowMs: number): void {
    const rules = this.#rules.of(this.#app);
    for (const [name, { rule }] of this.#entries) {
      if (sameRule(rules[name], rule)) continue;
      this.#entries.delete(name);
      this.#keep(name, undefined);
    }
    const kept = this.#states.of(this.#app);
    for (const [name, rule] of Object.entries(rules)) {
      if (this.#entries.has(name)) continue;
      const state = new AlarmState(rule, nowMs, Object.hasOwn(kept, name) ? kept[name] : undefined);
      this.#entries.set(name, { rule, state, value: undefined });
    }
  }

  /** Judges all rules; returns the changes. */
  judge(observation: Observation, nowMs: number): AlarmEvent[] {
    const events: AlarmEvent[] = [];
    for (const [alarm, entry] of this.#entries) {
      const { rule, state } = entry;
      const trend = trendOf(rule.condition);
      const value = trend === undefined ? undefined : observation.measured(trend)?.value;
      const change = state.judge(verdictOf(rule.condition, observation), nowMs);
      if (change === undefined) continue;
      entry.value = value;
      this.#keep(alarm, state.status.raised ? state.status : undefined);
      events.push({ app: this.#app, alarm, state: change, rule, value, atMs: nowMs });
    }
    return events;
  }

  /** Throws BAD_OPTION for an alarm that is not raised. */
  acknowledge(alarm: string, by: string, nowMs: number): void {
    const entry = this.#entries.get(alarm);
    if (entry?.state.acknowledge({ by, atMs: nowMs }) !== true) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `the alarm ${JSON.stringify(alarm)} of ${this.#app} is not raised, so there is nothing to acknowledge`,
        { alarm },
      );
    }
    this.#keep(alarm, entry.state.status);
  }

  /** The state is for after a restart: on a full disk alarms work all the same. */
  #keep(alarm: string, status: AlarmStatus | undefined): void {
    if (status === undefined && !Object.hasOwn(this.#states.of(this.#app), alarm)) return;
    try {
      this.#states.set(this.#app, alarm, status);
    } catch (error) {
      if (!(error instanceof MirrorflowError)) throw error;
    }
  }
}

function sameRule(one: AlarmRule | undefined, other: AlarmRule): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
