/**
 * The messages between a page in a browser and its server over one WebSocket. Text messages are
 * JSON objects with a `kind`; what they carry is described in the files beside this one. Spectra
 * (1-D and 2-D histograms of a running experiment) are sent as binary frames (`frame.ts`): the page
 * subscribes to the views that are visible, and the server sends a frame when one has changed.
 * Types and limits.
 */
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ApplicationSummary, RunInfo, WatchStatus } from './application.js';
import type { Layout } from './layout.js';
import type { NetworkPicture } from './network.js';
import type { PlayerRequest, Replay, ShownMoment, Timeline } from './recording.js';
import type { AxisCalibration, SpectrumInfo } from './spectrum-info.js';
import type { Subscription } from './subscription.js';
import type { AlarmView, Trend } from './trends.js';

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

/** Largest message of a page. */
export const PAGE_MESSAGE_BYTES_MAX = 256 * 1024;
/** Spectra that one message asks to remember: those of one plot. */
export const REMEMBERED_SPECTRA_MAX = 8;
