/**
 * The messages between a page in a browser and its server over one WebSocket, with their limits.
 * Text messages are JSON objects with a `kind`. Spectra (1-D and 2-D histograms of a running
 * experiment) are sent as binary frames (`frame.ts`): the page subscribes to the views that are
 * visible, and the server sends a frame when one has changed. Types, constants and checks.
 */

import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ChannelRange } from './ranges.js';
import type { AlarmView, Trend } from './trends.js';

export type { ChannelRange } from './ranges.js';

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

export const PLAYER_ACTIONS = ['pause', 'resume', 'step', 'seek', 'speed'] as const;

/**
 * `value`: of `seek` milliseconds since 1970, of `speed` recorded seconds per second, 0 for as fast
 * as readers take it.
 */
export interface PlayerRequest {
  readonly action: (typeof PLAYER_ACTIONS)[number];
  readonly value?: number | undefined;
}

export type PageMessage =
  | { readonly kind: 'app'; readonly app: string | null }
  /** All visible views; the subscriptions of others end. */
  | { readonly kind: 'show'; readonly subscriptions: readonly Subscription[] }
  /** `again`: the page could not use the frame and needs a whole one. */
  | { readonly kind: 'ack'; readonly id: number; readonly again?: boolean }
  /** Remember the counts of shown spectra as they are now; the answer is `remembered`. */
  | { readonly kind: 'remember'; readonly request: number; readonly spectra: readonly string[] }
  | { readonly kind: 'network'; readonly on: boolean }
  /** The moment whose gates and list the page shows; null: the present ones. */
  | { readonly kind: 'moment'; readonly atMs: number | null }
  /** For the player of the application that the page shows. */
  | { readonly kind: 'player'; readonly player: PlayerRequest }
  | {
      readonly kind: 'control';
      readonly request: number;
      readonly action: 'run' | 'stop';
      readonly app: string;
    };

/** The energy of a place x on an axis: the sum of coefficients[n]·xⁿ. */
export interface AxisCalibration {
  readonly coefficients: readonly number[];
  readonly unit: string;
}

/** A named arrangement of plots. */
export interface Layout {
  /** The address of the page, from its `#` on. */
  readonly address: string;
}

/** The description of a spectrum, without its counts. */
export interface SpectrumInfo {
  readonly name: string;
  /** `1D long`, `2D word`, … */
  readonly type: string;
  readonly dimensions: 1 | 2;
  /** Stored channels; `ychans` is 1 for 1-D. */
  readonly xchans: number;
  readonly ychans: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly xlabel: string;
  readonly ylabel: string;
  /** Whether the first and last stored channel of the axis count under- and overflow. */
  readonly xoutside: boolean;
  readonly youtside: boolean;
  /** Parameters of the axes, and the gate applied to the spectrum, from the REST service. */
  readonly parameters?: readonly string[];
  readonly gate?: string;
}

export type { GateShape } from '../../protocol/spectcl/gate-shape.js';

/** A change of the run, as it was recorded. */
export interface RunTick {
  readonly atMs: number;
  readonly number: string;
  readonly state: string;
  readonly title: string;
}

/** What was recorded of the spectra of one application; times in milliseconds since 1970. */
export interface Timeline {
  /** In order and without overlap; none where nothing is recorded. */
  readonly spans: readonly (readonly [startMs: number, endMs: number])[];
  readonly runs: readonly RunTick[];
  /** From one recorded publication to the next, on average. */
  readonly stepMs: number;
  /** Files that cannot be read. */
  readonly unreadable: number;
}

/** A recording that is being played as an application; times in milliseconds since 1970. */
export interface Replay {
  readonly state: 'playing' | 'paused' | 'ended';
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Recorded seconds per second; 0 for as fast as readers take it. */
  readonly speed: number;
}

/** The recorded publication that a page shows instead of the present one. */
export interface ShownMoment {
  /** Time of the publication, at or before the moment. */
  readonly dataMs: number;
  readonly gates: readonly GateShape[];
  readonly spectra: readonly SpectrumInfo[];
}

export interface ApplicationSummary {
  readonly name: string;
  readonly state: string;
  readonly source?: string;
  readonly cause?: string;
  readonly restarts: number;
}

/**
 * `connecting`: no data yet; `live`: the source sends data; `stale`: the source is unreachable, the
 * last data are shown; `stopped`: the application does not run; `broken`: its spectra cannot be
 * mirrored for the reason in `cause`, and the server retries.
 */
export type WatchState = 'connecting' | 'live' | 'stale' | 'stopped' | 'broken';

export interface WatchStatus {
  readonly app: string;
  readonly state: WatchState;
  readonly cause?: string;
  /** Milliseconds since 1970: start of this state, and time of the newest publication. */
  readonly sinceMs: number;
  readonly dataMs?: number;
  /** Publications per second, during the last second. */
  readonly rate: number;
}

/** The run of a SpecTcl; what it does not tell is missing. */
export interface RunInfo {
  readonly number?: string;
  readonly title?: string;
  /** `Active`, `Halted`, … in SpecTcl's words. */
  readonly state?: string;
  /** Buffers that were analysed in this run, and a second. */
  readonly analysed?: number;
  readonly perSecond?: number;
}

export interface NetworkFlow {
  readonly flow: string;
  readonly type: string;
  readonly state: string;
  readonly sourceState?: string;
  readonly source?: string;
  readonly cause?: string;
  readonly pid?: number;
  readonly restarts: number;
  readonly bufferSize?: number;
  readonly buffers?: number;
  /** Counters of the flow file, and their rates per second. */
  readonly counters: Readonly<Record<string, number>>;
  readonly rates: Readonly<Record<string, number>>;
  /** Seconds since the published count changed; missing in the first picture. */
  readonly quietS?: number;
  /** Number of readers, including those that only read the newest buffer. */
  readonly readers: number;
  /** Buffers that the slowest reader has not acknowledged; missing when no reader acknowledges. */
  readonly lag?: number;
  /** Fill of the fullest history of a reader, 0 to 1. */
  readonly fill?: number;
  /** Names of the clients that hold the writer back. */
  readonly holding: readonly string[];
}

/** One client's use of a flow; counts are missing when the client did not answer in time. */
export interface NetworkUsage {
  readonly flow: string;
  readonly direction: 'input' | 'output';
  /** Filled and total buffers of a reader's history, or of a writer's ring. */
  readonly ready?: number;
  readonly capacity?: number;
  /** Published buffers that the client has not acknowledged. */
  readonly lag?: number;
  readonly holding?: boolean;
  /** Buffers that a reader missed in the ring; how often and how long it held the writer back. */
  readonly missed?: number;
  readonly holds?: number;
  readonly heldMs?: number;
  readonly delivery?: 'lossless' | 'lossy';
  readonly paused?: boolean;
  readonly buffers?: number;
  readonly bytes?: number;
  readonly lost?: number;
  /** Buffers that wait for room in the ring. */
  readonly queued?: number;
  readonly buffersPerSecond?: number;
  readonly bytesPerSecond?: number;
}

export interface NetworkClient {
  readonly name: string;
  readonly program: string;
  readonly pid: number;
  readonly connected: boolean;
  /**
   * False when the client did not answer in time; then `flows` has only what its duplicators
   * report.
   */
  readonly answered: boolean;
  readonly flows: readonly NetworkUsage[];
}

/** The recorder of an application, of app.info. */
export interface NetworkRecorder {
  readonly state: string;
  /** Why nothing is recorded, or which flow is not. */
  readonly cause?: string;
  readonly pid?: number;
  /** Bytes of the present file. */
  readonly bytes: number;
  /** Buffers that were recorded and lost since the recorder began. */
  readonly buffers: number;
  readonly lost: number;
}

export interface NetworkApplication extends ApplicationSummary {
  readonly pid?: number;
  readonly port?: number;
  readonly flows: readonly NetworkFlow[];
  readonly clients: readonly NetworkClient[];
  /** Undefined for an application that is not recorded. */
  readonly recorder?: NetworkRecorder;
  /** Run of its SpecTcl; in the metrics only. */
  readonly run?: RunInfo;
  /** Why flows and clients are missing. */
  readonly problem?: string;
}

/** A host of another site, as it publishes itself over NATS. */
export interface FarHost {
  /** `daq1.gsi`. */
  readonly name: string;
  readonly site: string;
  readonly version: string;
  readonly applications: readonly { readonly name: string; readonly state: string }[];
  readonly flows: readonly { readonly app: string; readonly flow: string; readonly state: string }[];
}

export interface NetworkPicture {
  readonly host: string;
  readonly hostServer: boolean;
  readonly atMs: number;
  readonly applications: readonly NetworkApplication[];
  /** Hosts of other sites; left out without any. */
  readonly far?: readonly FarHost[];
}

export type ServerMessage =
  | {
      readonly kind: 'welcome';
      /** Identity of the page's files. A page that was loaded from others loads again. */
      readonly page: string;
      readonly host: string;
      /** Whether the server has JSROOT, for the menu of plots. */
      readonly jsroot: boolean;
      /**
       * Whether this page may start and stop applications: yes, after signing in, or never, since
       * the server has no secret.
       */
      readonly control: 'yes' | 'sign-in' | 'no-secret';
    }
  | {
      readonly kind: 'applications';
      readonly hostServer: boolean;
      readonly applications: readonly ApplicationSummary[];
    }
  | { readonly kind: 'status'; readonly status: WatchStatus }
  | { readonly kind: 'list'; readonly app: string; readonly spectra: readonly SpectrumInfo[] }
  /** Calibrations of spectra by name: energy = c0 + c1·x + c2·x², x in units of the axis. */
  | {
      readonly kind: 'calibrations';
      readonly app: string;
      readonly calibrations: Readonly<Record<string, AxisCalibration>>;
    }
  | {
      readonly kind: 'layouts';
      readonly app: string;
      readonly layouts: Readonly<Record<string, Layout>>;
    }
  | {
      readonly kind: 'gates';
      readonly app: string;
      readonly gates: readonly GateShape[];
      /** Whether the application allows changes of its SpecTcl. */
      readonly allowChanges: boolean;
    }
  /** Null where the source has no run. */
  | { readonly kind: 'run'; readonly app: string; readonly run: RunInfo | null }
  /** The spectrum does not exist, or its moment cannot be read; frames follow when it does. */
  | { readonly kind: 'missing'; readonly id: number; readonly reason?: string }
  /** The moment whose counts the server remembers; missing where it cannot. */
  | { readonly kind: 'remembered'; readonly request: number; readonly atMs?: number }
  | { readonly kind: 'timeline'; readonly app: string; readonly timeline: Timeline }
  /** Null for an application that is no replay any more. */
  | { readonly kind: 'replay'; readonly app: string; readonly replay: Replay | null }
  /** Why a request of the page had no effect. */
  | { readonly kind: 'refused'; readonly error: string }
  /** The answer to `moment`: what the page shows, or why there is nothing. */
  | {
      readonly kind: 'moment';
      readonly app: string;
      readonly atMs: number;
      readonly shown?: ShownMoment;
      readonly error?: string;
    }
  /** The trends of the application by name; `problem`: why they are not stored. */
  | {
      readonly kind: 'trends';
      readonly app: string;
      readonly trends: Readonly<Record<string, Trend>>;
      readonly problem?: string;
    }
  /** Values of one second by trend; a trend without a value is missing. */
  | {
      readonly kind: 'trend-values';
      readonly app: string;
      readonly atMs: number;
      readonly values: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'alarms'; readonly app: string; readonly alarms: Readonly<Record<string, AlarmView>> }
  | { readonly kind: 'network'; readonly picture: NetworkPicture }
  | { readonly kind: 'answer'; readonly request: number; readonly error?: string };

const LAYOUT_NAME_CHARACTERS_MAX = 40;
export const LAYOUT_ADDRESS_CHARACTERS_MAX = 16 * 1024;

/** Whether a layout may have this name: one line that is not blank. */
export function isLayoutName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length > LAYOUT_NAME_CHARACTERS_MAX) return false;
  return name.trim() === name && /^[^\p{C}]+$/u.test(name);
}

/** Unacknowledged frames per subscription. */
export const FRAME_CREDIT = 1;
/** Largest message of a page. */
export const PAGE_MESSAGE_BYTES_MAX = 256 * 1024;
/** Subscriptions of one page: twelve plots with overlays, and the visible thumbnails. */
export const SUBSCRIPTIONS_MAX = 256;
/** Regions of one subscription. */
export const REGIONS_MAX = 16;
/** Spectra that one message asks to remember: those of one plot. */
export const REMEMBERED_SPECTRA_MAX = 8;
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
