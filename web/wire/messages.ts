/**
 * What a page and its server say to each other over one WebSocket. Text messages are JSON, each an
 * object with a `kind`; spectra travel as binary frames (`frame.ts`). The page says what it shows,
 * the server sends what has changed of that.
 */

/** Channels from the first to before the last, as they are stored. */
export type ChannelRange = readonly [from: number, to: number];

export interface Region {
  readonly x: ChannelRange;
  /** 2-D only; without it all rows. */
  readonly y?: ChannelRange | undefined;
}

export const RATE_WINDOWS_S = [1, 10, 60] as const;
export type RateWindow = (typeof RATE_WINDOWS_S)[number];

/**
 * One view of one spectrum. The page acknowledges each frame when it is drawn, and gets the next
 * one then.
 */
export interface Subscription {
  /** The page's own number for it. */
  readonly id: number;
  readonly spectrum: string;
  /** What came in during the last so many seconds, instead of everything. */
  readonly rateS?: RateWindow | undefined;
  /** A 2-D spectrum summed onto one of its axes. */
  readonly projection?: 'x' | 'y' | undefined;
  /** The channels of the other axis that a projection sums; default all that lie inside. */
  readonly band?: ChannelRange | undefined;
  /**
   * Part that is shown; default all that lies inside the axes. Of a projection, `x` is its only
   * axis.
   */
  readonly x?: ChannelRange | undefined;
  readonly y?: ChannelRange | undefined;
  /**
   * At most so many values are wanted across and up; more channels are sent as the highest of each
   * group.
   */
  readonly columns: number;
  readonly rows: number;
  readonly region?: Region | undefined;
  /** No frame sooner than this after the one before, milliseconds. */
  readonly minIntervalMs?: number | undefined;
}

export type PageMessage =
  | { readonly kind: 'app'; readonly app: string | null }
  /** All that is visible now; what is left out gets nothing any more. */
  | { readonly kind: 'show'; readonly subscriptions: readonly Subscription[] }
  | { readonly kind: 'ack'; readonly id: number }
  | { readonly kind: 'network'; readonly on: boolean }
  | {
      readonly kind: 'control';
      readonly request: number;
      readonly action: 'run' | 'stop';
      readonly app: string;
    };

/** A spectrum as lists and plots need it. */
export interface SpectrumInfo {
  readonly name: string;
  /** `1D long`, `2D word`, … */
  readonly type: string;
  readonly dimensions: 1 | 2;
  /** Stored channels; 1 up for 1-D. */
  readonly xchans: number;
  readonly ychans: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly xlabel: string;
  readonly ylabel: string;
  /** Whether the first and last stored channel of the axis are under- and overflow. */
  readonly xoutside: boolean;
  readonly youtside: boolean;
  /** Parameters of the axes and the gate it carries, when the REST service told them. */
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
 * `connecting`: not there yet; `live`: the source is heard; `stale`: it is away, the last data are
 * shown; `stopped`: the application does not run; `broken`: it cannot be mirrored, `cause` says
 * why, and it is tried again.
 */
export type WatchState = 'connecting' | 'live' | 'stale' | 'stopped' | 'broken';

export interface WatchStatus {
  readonly app: string;
  readonly state: WatchState;
  readonly cause?: string;
  /** Milliseconds since 1970: of this state, and of the newest publication. */
  readonly sinceMs: number;
  readonly dataMs?: number;
  /** Publications per second, lately. */
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
  /** Counters as the flow file has them, and their rates per second. */
  readonly counters: Readonly<Record<string, number>>;
  readonly rates: Readonly<Record<string, number>>;
  /** Seconds since something was published, as far as it was looked at. */
  readonly quietS?: number;
  /** Who reads, those too who only look at the newest. */
  readonly readers: number;
  /** Buffers that the slowest reader has not acknowledged; missing when none acknowledges. */
  readonly lag?: number;
  /** How full the fullest history of a reader is, 0 to 1. */
  readonly fill?: number;
  /** Clients that hold the writer back now, by name. */
  readonly holding: readonly string[];
}

/** A flow as one client has it open; counts are missing when it did not answer in time. */
export interface NetworkUsage {
  readonly flow: string;
  readonly direction: 'input' | 'output';
  /** Filled buffers of the history, of so many; a writer's are those of its ring. */
  readonly ready?: number;
  readonly capacity?: number;
  /** Buffers published and not acknowledged by it. */
  readonly lag?: number;
  readonly holding?: boolean;
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
   * False for one that did not answer in time; what its duplicators know of it is told all the
   * same.
   */
  readonly answered: boolean;
  readonly flows: readonly NetworkUsage[];
}

export interface NetworkApplication extends ApplicationSummary {
  readonly pid?: number;
  readonly port?: number;
  readonly flows: readonly NetworkFlow[];
  readonly clients: readonly NetworkClient[];
  /** Why its details are not known. */
  readonly problem?: string;
}

export interface NetworkPicture {
  readonly host: string;
  readonly hostServer: boolean;
  readonly atMs: number;
  readonly applications: readonly NetworkApplication[];
}

export type ServerMessage =
  | {
      readonly kind: 'welcome';
      readonly version: string;
      readonly host: string;
      /**
       * Whether this page may start and stop applications: yes, after signing in, or not at all
       * since there is no secret.
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
  | { readonly kind: 'gates'; readonly app: string; readonly gates: readonly GateShape[] }
  /** There is no such spectrum now; frames follow when there is. */
  | { readonly kind: 'missing'; readonly id: number }
  | { readonly kind: 'network'; readonly picture: NetworkPicture }
  | { readonly kind: 'answer'; readonly request: number; readonly error?: string };

/** Frames on their way that a page has not acknowledged, for each subscription. */
export const FRAME_CREDIT = 1;
/** Largest message a page may send. */
export const PAGE_MESSAGE_BYTES_MAX = 256 * 1024;
/** Views of one page at a time: twelve plots with overlays, and the thumbnails in sight. */
export const SUBSCRIPTIONS_MAX = 256;
/** Most values across or up that a page may ask for. */
export const COLUMNS_MAX = 65_536;
/** Most values of one 2-D frame. */
export const CELLS_MAX = 2 ** 21;
