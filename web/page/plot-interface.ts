/**
 * What the parts of a plot may use of each other: the plot as its menus, its input and its
 * downloads see it, and the board as the plot sees it. Types only, so that `plot.ts`,
 * `plot-bar.ts`, `plot-input.ts` and `plot-download.ts` do not import each other in a circle.
 */
import type { ScaleName } from '../../plotting/scale.js';
import type { Axis } from '../view/axis.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { Frame } from '../wire/frame.js';
import type { ChannelRange, SpectrumInfo } from '../wire/messages.js';
import type { DrawLoop } from './draw-loop.js';
import type { PageState } from './page-state.js';
import type { PlotArea } from './plot-area.js';
import type { Subscriptions } from './subscriptions.js';

/** The objects that all views of the page share; `main.ts` creates them. */
export interface PageServices {
  readonly state: PageState;
  readonly subscriptions: Subscriptions;
  readonly loop: DrawLoop;
}

/** A point of a plot in stored channels, fractional. */
export interface ChannelPoint {
  readonly x: number;
  readonly y: number;
}

/** A part of a plot in stored channels; without `y` it reaches from bottom to top. */
export interface ChannelPart {
  readonly x: ChannelRange;
  readonly y?: ChannelRange;
}

export interface PlotHandle {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly spec: PlotSpec;
  /** The description of the first spectrum; undefined before the list or a frame has arrived. */
  readonly info: SpectrumInfo | undefined;
  /** The newest frame of each spectrum that has one. */
  readonly frames: readonly { readonly name: string; readonly frame: Frame }[];
  /** True for 1-D spectra and projections: one axis of channels, one of counts. */
  readonly isOneDimensional: boolean;
  readonly scale: ScaleName;
  /** A projection has the axis that it is onto as `x`. */
  readonly axes: { readonly x: Axis; readonly y: Axis } | undefined;
  /** The visible channels of both axes. */
  readonly ranges: { readonly x: ChannelRange; readonly y: ChannelRange } | undefined;
  /** Where the counts are drawn; undefined before the first drawing. */
  readonly area: PlotArea | undefined;
  readonly cursor: ChannelPoint | undefined;
  /** Changes settings of the plot and the address of the page. */
  change(change: Partial<PlotSpec>): void;
  setRange(x: ChannelRange, y?: ChannelRange): void;
  setCursor(cursor: ChannelPoint | undefined): void;
  /** The rectangle that the user is drawing. */
  setRubberBand(part: ChannelPart | undefined): void;
}

/** What a plot requests of its board. */
export interface PlotActions {
  /** The settings have changed. */
  changed(): void;
  remove(): void;
  move(by: -1 | 1): void;
  /** Adds further plots behind this one. */
  add(plots: readonly PlotSpec[]): void;
}
