/**
 * The views of spectra that a page subscribes to, with their limits: which counts, which part of
 * the axes, at most how many values, and which regions. `messages.ts` carries them; the page writes
 * them, `page-messages.ts` checks them, the server answers with frames. Types and constants.
 */
import type { ChannelRange } from './ranges.js';

export interface Region {
  readonly x: ChannelRange;
  /** 2-D only; all rows when missing. */
  readonly y?: ChannelRange | undefined;
}

/** A region whose figures the frames of a subscription have, in the order of the request. */
export interface RegionRequest extends Region {
  /** Whether the counts of its channels are sent too, for a fit; 1-D only. */
  readonly counts?: boolean | undefined;
}

/** In stored channels, which may be fractional: 3.5 is the middle of channel 3. */
export interface ContourPoint {
  readonly x: number;
  readonly y: number;
}

/** All inside of a contour, or all on and below the line of a band. */
export interface ChannelOutline {
  readonly shape: 'contour' | 'band';
  readonly points: readonly ContourPoint[];
}

export const RATE_WINDOWS_S = [1, 10, 60] as const;
export type RateWindow = (typeof RATE_WINDOWS_S)[number];

/**
 * One view of one spectrum. The page acknowledges each frame when it is drawn; only then the server
 * sends the next one.
 */
export interface Subscription {
  /** Chosen by the page; frames carry it. */
  readonly id: number;
  readonly spectrum: string;
  /** Only the counts of the last so many seconds. */
  readonly rateS?: RateWindow | undefined;
  /**
   * Only the counts since a moment that the server has remembered or that is recorded, milliseconds
   * since 1970. Not with `rateS`.
   */
  readonly sinceMs?: number | undefined;
  /** A 2-D spectrum summed onto one of its axes. */
  readonly projection?: 'x' | 'y' | undefined;
  /** The channels of the other axis that a projection sums; default all but under- and overflow. */
  readonly band?: ChannelRange | undefined;
  /** Only channels whose middle is inside of this outline are summed by a projection. */
  readonly within?: ChannelOutline | undefined;
  /** Visible part; default all but under- and overflow. `x` is the only axis of a projection. */
  readonly x?: ChannelRange | undefined;
  readonly y?: ChannelRange | undefined;
  /**
   * At most so many values across and up; more channels are sent as the highest of each group.
   */
  readonly columns: number;
  readonly rows: number;
  readonly regions?: readonly RegionRequest[] | undefined;
  /** Whether the frames have the figures inside the gates that are drawn on the view. */
  readonly gates?: boolean | undefined;
  /** Least time between two frames, milliseconds. */
  readonly minIntervalMs?: number | undefined;
  /**
   * The counts of this moment of the recording instead of the present ones, milliseconds since
   * 1970.
   */
  readonly atMs?: number | undefined;
}

/** Unacknowledged frames per subscription. */
export const FRAME_CREDIT = 1;
/** Subscriptions of one page: twelve plots with overlays, and the visible thumbnails. */
export const SUBSCRIPTIONS_MAX = 256;
/** Regions of one subscription. */
export const REGIONS_MAX = 16;
/** Corners of a contour that a user draws, and of any outline: that of a gate. */
export const CONTOUR_POINTS_MAX = 64;
export const OUTLINE_POINTS_MAX = 1_000;
/** Channels of a region whose counts are sent. */
export const REGION_COUNTS_MAX = 4_096;
/** Moments of the recording that one page shows: its own, and those of overlays and differences. */
export const MOMENTS_MAX = 12;
/** Most values across or up in one frame. */
export const COLUMNS_MAX = 65_536;
/** Most values of one 2-D frame. */
export const CELLS_MAX = 2 ** 21;
