/**
 * Decides which drawn counts of a gated spectrum are counted. An event is a channel of the
 * spectrum; what its gate needs besides the spectrum's own parameters is drawn from another
 * spectrum that has the parameter. Used by spectrum-store.ts. Pure.
 */
import { parametersOf, passes, type ValueOf } from './gate-condition.js';
import type { Gates } from './gates.js';
import type { ChannelTable, RandomBits } from './random.js';
import type { AxisDefinition } from './spectrum-definition.js';

/** A spectrum from which events are drawn. */
export interface EventSource {
  readonly axes: readonly AxisDefinition[];
  /** Stored channels of the x axis, and those before the first bin of each axis. */
  readonly xchans: number;
  readonly before: number;
  /** Number of its stored channels. */
  readonly channels: number;
  readonly table: ChannelTable | undefined;
}

/** Whether a count in a channel passes the gate. */
export type Accepts = (channel: number) => boolean;

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;

/** `others`: the spectra that may have what this one lacks. */
export function acceptanceOf(
  gate: string,
  source: EventSource,
  others: readonly EventSource[],
  gates: Gates,
  random: RandomBits,
): Accepts {
  const needed = [...parametersOf(gates, gate)];
  if (hasAll(source, needed)) return remembered(source, gate, gates);
  // Most gates are on one other spectrum alone.
  const other = others.find((candidate) => candidate.table !== undefined && hasAll(candidate, needed));
  if (other?.table !== undefined) {
    const { table } = other;
    const accepts = remembered(other, gate, gates);
    return () => accepts(table.draw(random));
  }
  return mixed(gate, source, others, gates, random);
}

/** A gate on parameters of several spectra: each other one gives one of its channels. */
function mixed(
  gate: string,
  source: EventSource,
  others: readonly EventSource[],
  gates: Gates,
  random: RandomBits,
): Accepts {
  const sourceOf = (parameter: string): EventSource | undefined =>
    hasAll(source, [parameter])
      ? source
      : others.find((other) => other.table !== undefined && hasAll(other, [parameter]));
  return (channel) => {
    const drawn = new Map<EventSource, ValueOf>([[source, valuesIn(source, channel)]]);
    return passes(gates, gate, (parameter) => {
      const from = sourceOf(parameter);
      if (from === undefined) return undefined;
      const event = drawn.get(from) ?? valuesIn(from, from.table?.draw(random) ?? 0);
      drawn.set(from, event);
      return event(parameter);
    });
  };
}

/** The answers for the channels of one spectrum, each found once. */
function remembered(source: EventSource, gate: string, gates: Gates): Accepts {
  const answers = new Uint8Array(source.channels);
  return (channel) => {
    if (answers[channel] === UNKNOWN)
      answers[channel] = passes(gates, gate, valuesIn(source, channel)) ? PASSES : FAILS;
    return answers[channel] === PASSES;
  };
}

function hasAll({ axes }: EventSource, parameters: readonly string[]): boolean {
  return parameters.every((wanted) => axes.some(({ parameter }) => parameter === wanted));
}

/** The parameters of an event in the middle of a channel. */
function valuesIn({ axes, xchans, before }: EventSource, channel: number): ValueOf {
  return (parameter) => {
    const index = axes.findIndex((axis) => axis.parameter === parameter);
    const axis = axes[index];
    if (axis === undefined) return undefined;
    const stored = index === 0 ? channel % xchans : Math.floor(channel / xchans);
    return axis.low + ((stored - before + 0.5) * (axis.high - axis.low)) / axis.bins;
  };
}
