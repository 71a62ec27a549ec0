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
  others: () => readonly EventSource[],
  gates: Gates,
  random: RandomBits,
): Accepts {
  const own = new Set(source.axes.map(({ parameter }) => parameter));
  const foreign = [...parametersOf(gates, gate)].filter((parameter) => !own.has(parameter));
  if (foreign.length === 0) return (channel) => passes(gates, gate, ownValues(source, channel));
  const sources = new Map(
    foreign.map((parameter) => [
      parameter,
      others().find(({ axes, table }) => table !== undefined && hasParameter(axes, parameter)),
    ]),
  );
  return (channel) => {
    const values = ownValues(source, channel);
    /** Parameters of one spectrum come from one of its channels. */
    const drawn = new Map<EventSource, ValueOf>();
    return passes(gates, gate, (parameter) => {
      if (own.has(parameter)) return values(parameter);
      const other = sources.get(parameter);
      if (other?.table === undefined) return undefined;
      const event = drawn.get(other) ?? ownValues(other, other.table.draw(random));
      drawn.set(other, event);
      return event(parameter);
    });
  };
}

/** Remembers the answer of each channel: only for gates on the spectrum's own parameters. */
export function remembered(accepts: Accepts, channels: number): Accepts {
  const answers = new Uint8Array(channels);
  return (channel) => {
    if (answers[channel] === UNKNOWN) answers[channel] = accepts(channel) ? PASSES : FAILS;
    return answers[channel] === PASSES;
  };
}

/** Whether the gate depends on parameters of the spectrum only. */
export function dependsOnlyOn(axes: readonly AxisDefinition[], gate: string, gates: Gates): boolean {
  return [...parametersOf(gates, gate)].every((parameter) => hasParameter(axes, parameter));
}

function hasParameter(axes: readonly AxisDefinition[], parameter: string): boolean {
  return axes.some((axis) => axis.parameter === parameter);
}

/** The parameters of an event in the middle of a channel. */
function ownValues({ axes, xchans, before }: EventSource, channel: number): ValueOf {
  return (parameter) => {
    const index = axes.findIndex((axis) => axis.parameter === parameter);
    const axis = axes[index];
    if (axis === undefined) return undefined;
    const stored = index === 0 ? channel % xchans : Math.floor(channel / xchans);
    return axis.low + ((stored - before + 0.5) * (axis.high - axis.low)) / axis.bins;
  };
}
