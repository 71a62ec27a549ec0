/**
 * The messages between a page in a browser and its server over one WebSocket, with their limits.
 * Text messages are JSON objects with a `kind`. Spectra (1-D and 2-D histograms of a running
 * experiment) are sent as binary frames (`frame.ts`): the page subscribes to the views that are
 * visible, and the server sends a frame when one has changed. Types, constants and checks.
 */

/** Stored channels, `to` not included. */
export type ChannelRange = readonly [from: number, to: number];

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
  /** A 2-D spectrum summed onto one of its axes. */
  readonly projection?: 'x' | 'y' | undefined;
  /** The channels of the other axis that a projection sums; default all but under- and overflow. */
  readonly band?: ChannelRange | undefined;
  /** Visible part; default all but under- and overflow. `x` is the only axis of a projection. */
  readonly x?: ChannelRange | undefined;
  readonly y?: ChannelRange | undefined;
  /**
   * At most so many values across and up; more channels are sent as the highest of each group.
   */
  readonly columns: number;
  readonly rows: number;
  readonly regions?: readonly RegionRequest[] | undefined;
  /** Least time between two frames, milliseconds. */
  readonly minIntervalMs?: number | undefined;
}

export type PageMessage =
  | { readonly kind: 'app'; readonly app: string | null }
  /** All visible views; the subscriptions of others end. */
  | { readonly kind: 'show'; readonly subscriptions: readonly Subscription[] }
  /** `again`: the page could not use the frame and needs a whole one. */
  | { readonly kind: 'ack'; readonly id: number; readonly again?: boolean }
  | { readonly kind: 'network'; readonly on: boolean }
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

export interface GateShape {
  readonly name: string;
  readonly shape: 'slice' | 'contour' | 'band';
  readonly parameters: readonly string[];
  /** Of a slice, in the units of the axis. */
  readonly low: number;
  readonly high: number;
  readonly points: readonly { readonly x: number; readonly y: number }[];
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

export interface NetworkApplication extends ApplicationSummary {
  readonly pid?: number;
  readonly port?: number;
  readonly flows: readonly NetworkFlow[];
  readonly clients: readonly NetworkClient[];
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
      readonly version: string;
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
  | { readonly kind: 'gates'; readonly app: string; readonly gates: readonly GateShape[] }
  /** The spectrum does not exist; frames follow when it does. */
  | { readonly kind: 'missing'; readonly id: number }
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
/** Channels of a region whose counts are sent. */
export const REGION_COUNTS_MAX = 4_096;
/** Most values across or up in one frame. */
export const COLUMNS_MAX = 65_536;
/** Most values of one 2-D frame. */
export const CELLS_MAX = 2 ** 21;
