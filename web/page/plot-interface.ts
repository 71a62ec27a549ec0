/**
 * What the parts of a plot may use of each other: the plot as its menus, its input and its
 * downloads see it, and the board as the plot sees it. Types only, so that `plot.ts`,
 * `plot-bar.ts`, `plot-input.ts` and `plot-download.ts` do not import each other in a circle.
 */
import type { ScaleName } from '../../plotting/scale.js';
import type { Axis, Placement } from '../view/axis.js';
import type { PlotSpec } from '../view/plot-spec.js';
import type { RegionFit } from '../view/region-spec.js';
import type { GatePoint } from '../wire/changes.js';
import type { Frame } from '../wire/frame.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from '../wire/ranges.js';
import type { Timeline } from '../wire/recording.js';
import type { AxisCalibration, SpectrumInfo } from '../wire/spectrum-info.js';
import type { TrendSource } from '../wire/trends.js';
import type { CountView } from './draw-fit.js';
import type { DrawLoop } from './draw-loop.js';
import type { Fits } from './fits.js';
import type { GateChanges } from './gate-changes.js';
import type { Moments } from './moments.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';
import type { PlotArea } from './plot-area.js';
import type { CanvasSize, PictureSurface } from './plot-surface.js';
import type { SavedSpectra } from './saved-spectra.js';
import type { Subscriptions } from './subscriptions.js';
import type { Travel } from './travel.js';

/** The objects that all views of the page share; `viewer-page.ts` creates them. */
export interface PageServices {
  readonly state: PageState;
  readonly subscriptions: Subscriptions;
  readonly loop: DrawLoop;
  readonly fits: Fits;
  readonly notices: Notices;
  readonly travel: Travel;
  readonly moments: Moments;
  readonly showLayouts: () => void;
  /** `source`: what a new trend measures, as its form has it at first. */
  readonly showTrends: (source?: TrendSource) => void;
  readonly gateChanges: GateChanges;
}

/** One spectrum of a plot. */
export interface PlotSpectrum {
  /** The x axis of the spectrum, or the axis onto which it is projected. */
  readonly axis: Axis;
  /** Place of the spectrum on the axis of the plot. */
  readonly placement: Placement;
  /** The newest frame; undefined before the first. */
  readonly frame: Frame | undefined;
  readonly calibration: AxisCalibration | undefined;
}

/** Where a region can be dragged: its limits, in channels of its spectrum, and which of them. */
export interface RegionGrip {
  readonly index: number;
  readonly spectrum: number;
  readonly x: ChannelRange;
  readonly part: 'low' | 'high' | 'whole';
}

/** What input and menus may do with the regions of a plot. */
export interface RegionActions {
  add(part: ChannelPart, fit?: RegionFit): void;
  removeSelected(): void;
  selectNext(): void;
  moveSelected(channels: number, widen: boolean): void;
  /** Moves a region during a drag; the change is kept when the plot's preview is. */
  previewMove(index: number, x: ChannelRange): void;
  /** The grip at a place of the canvas in CSS pixels, at most `reachPx` from a limit. */
  gripAt(x: number, y: number, reachPx: number): RegionGrip | undefined;
  fittedPlaces(spectrum: number): { readonly position: number; readonly error: number }[];
}

/** What input and menus may do with the peak marks of a plot. */
export interface PeakActions {
  readonly shown: boolean;
  show(): void;
  hide(): void;
  /** Adds a region with a fit for the mark at a place in CSS pixels; false without a mark there. */
  fitAt(x: number, y: number): boolean;
}

export type DrawnShape = 'slice' | 'band' | 'contour';

/** What input and menus may do with the gate that is drawn on a plot. */
export interface GateActions {
  readonly isDrawing: boolean;
  /** Draws a contour that stays on this page; `use` receives its corners, in units of the axes. */
  beginContour(use: (points: readonly GatePoint[]) => void): void;
  begin(shape: DrawnShape): void;
  /** Grips the point at a place, removes it, or adds one there. */
  down(at: ChannelPoint, removes: boolean): void;
  move(at: ChannelPoint): void;
  up(): void;
  cancelDrag(): void;
  /** Returns false for a key that has no function while a gate is drawn. */
  handleKey(key: string): boolean;
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

/** Where pointer and keys are in a plot. */
export interface PlotPointing {
  /** The channels under the pointer or the keyboard's cursor. */
  readonly cursor?: ChannelPoint | undefined;
  /** The part that the user is drawing. */
  readonly rubberBand?: ChannelPart | undefined;
}

export interface PlotHandle {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Size of the canvas, as the browser has reported it last. */
  readonly size: CanvasSize;
  readonly spec: PlotSpec;
  /** The description of the first spectrum; undefined before the list or a frame has arrived. */
  readonly info: SpectrumInfo | undefined;
  /** The newest frame of each spectrum that has one. */
  readonly frames: readonly { readonly name: string; readonly frame: Frame }[];
  /** True for 1-D spectra and projections: one axis of channels, one of counts. */
  readonly isOneDimensional: boolean;
  readonly scale: ScaleName;
  /** Both axes; `x` of a projection is the axis onto which it is projected. */
  readonly axes: { readonly x: Axis; readonly y: Axis } | undefined;
  /** The visible channels of both axes. */
  readonly ranges: { readonly x: ChannelRange; readonly y: ChannelRange } | undefined;
  /** Where the counts are drawn; undefined before the first drawing. */
  readonly area: PlotArea | undefined;
  readonly pointing: PlotPointing;
  readonly canZoomBack: boolean;
  readonly notices: Notices;
  readonly saved: SavedSpectra;
  /** How counts are drawn; undefined for maps and before the first drawing. */
  readonly countView: CountView | undefined;
  /** The counts at the ends of the axis or of the colours; undefined before the first drawing. */
  readonly countLimits: { readonly bottom: number; readonly top: number } | undefined;
  /** All gates of the application. */
  readonly gateShapes: readonly GateShape[];
  readonly regions: RegionActions;
  readonly gates: GateActions;
  readonly peaks: PeakActions;
  /** The application whose spectra are shown. */
  readonly app: string | undefined;
  /** While paused, frames stay as they are. */
  readonly isPaused: boolean;
  /** The moment of the recording that the page shows. */
  readonly momentMs: number | undefined;
  /** What is recorded of the application; undefined before it is known. */
  readonly timeline: Timeline | undefined;
  /** Whether the server has JSROOT. */
  readonly hasJsroot: boolean;
  /** A spectrum by its index in `spec.spectra`; undefined before it is known. */
  spectrum(index: number): PlotSpectrum | undefined;
  redraw(): void;
  showLayouts(): void;
  /** The page shows present counts again, in the same step of its history. */
  showLive(): void;
  /** Remembers the present counts, and shows those since then. */
  rememberMoment(): Promise<void>;
  /** Trends and alarms, with a form for a trend of this plot. */
  showTrends(): void;
  /** Draws the plot as it is shown on another surface, without cursor. */
  paintOn(surface: PictureSurface): void;
  /**
   * Changes settings of the plot and the address of the page: one step of its history. Changes with
   * the same `burst` that follow each other closely are one step.
   */
  change(change: Partial<PlotSpec>, burst?: string): void;
  /** Shows settings during a drag; `change` keeps them. */
  preview(change: Partial<PlotSpec>): void;
  cancelPreview(): void;
  /** Shows the part before the last zoom again. */
  zoomBack(): void;
  /** The settings that show a part; without `y` the other axis stays. */
  partOf(x: ChannelRange, y?: ChannelRange): Partial<PlotSpec>;
  /** Replaces what is given of cursor and rubber band. */
  point(pointing: PlotPointing): void;
}

/** What a plot requests of its board. */
export interface PlotActions {
  /** The settings have changed; `burst` as in `PlotHandle.change`. */
  changed(burst?: string): void;
  remove(): void;
  move(by: -1 | 1): void;
  /** Shows all plots of this kind with the scale and the part of this one. */
  share(): void;
  /** Adds further plots behind this one. */
  add(plots: readonly PlotSpec[]): void;
}
