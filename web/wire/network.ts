/**
 * The picture of the network: the applications of a host, their flows, clients and recorders, and
 * the hosts of other sites. `messages.ts` carries it; the server samples it every second, the
 * network page draws it, and metrics are made of it. Types.
 */
import type { ApplicationSummary, RunInfo } from './application.js';

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
