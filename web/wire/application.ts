/**
 * One application as pages show it: its entry in the list of applications, the state of its
 * spectra, and the run of its SpecTcl. `messages.ts` and `network.ts` carry them; the server makes
 * them. Types.
 */

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
