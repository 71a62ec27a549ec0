/**
 * The state of the data that a page shows, with its age and the whole cause: one text for header,
 * plots and network page, so that they agree. Pure: the time comes in as a parameter.
 */
import { formatDuration, formatShortCount } from '../../plotting/numbers.js';
import type { WatchState, WatchStatus } from '../wire/application.js';
import { momentText } from './moment.js';

/**
 * `unreachable`: the server of the web viewer does not answer; `paused`: by the user; `past`: a
 * moment of the recording.
 */
export type DataStateKind = WatchState | 'unreachable' | 'paused' | 'past';

export interface DataState {
  readonly kind: DataStateKind;
  /** A word or two. */
  readonly label: string;
  /** A sentence with age and cause; empty without either. */
  readonly detail: string;
}

export interface DataStateInput {
  readonly connected: boolean;
  readonly paused: boolean;
  readonly status: WatchStatus | undefined;
  /** The moment of the recording that is shown, milliseconds since 1970. */
  readonly momentMs?: number | undefined;
}

const LABELS: Readonly<Record<DataStateKind, string>> = {
  connecting: 'connecting',
  live: 'live',
  stale: 'stale',
  stopped: 'stopped',
  broken: 'not available',
  unreachable: 'viewer unreachable',
  paused: 'paused',
  past: 'past',
};

/** `nowMs`, and `shownMs`: when the shown data were published, milliseconds since 1970. */
export function dataState(
  { connected, paused, status, momentMs }: DataStateInput,
  nowMs: number,
  shownMs = status?.dataMs,
): DataState {
  const kind = !connected
    ? 'unreachable'
    : momentMs !== undefined
      ? 'past'
      : paused && status?.state === 'live'
        ? 'paused'
        : (status?.state ?? 'connecting');
  if (kind === 'past') return { kind, label: LABELS.past, detail: pastText(momentMs ?? 0, shownMs) };
  return { kind, label: LABELS[kind], detail: detailOf(kind, status, ageText(nowMs, shownMs)) };
}

/**
 * The state on the network page: the text of the header for the application `app`; empty where the
 * data are live. Only plots can be paused.
 */
export function networkStateText(app: string | undefined, { kind, detail }: DataState): string {
  if (kind === 'unreachable') return detail;
  if (app === undefined || kind === 'live' || kind === 'connecting') return '';
  return `${app}: ${kind === 'paused' ? 'the plots are paused; this page is not.' : detail}`;
}

function detailOf(
  kind: Exclude<DataStateKind, 'past'>,
  status: WatchStatus | undefined,
  age: string,
): string {
  const cause = status?.cause === undefined ? '' : ` Cause: ${status.cause}`;
  switch (kind) {
    case 'unreachable':
      return `The server of the web viewer does not answer; it is tried again.${age}`;
    case 'paused':
      return `Paused.${age}`;
    case 'live': {
      const rate = status?.rate ?? 0;
      return `${rate < 10 ? rate.toFixed(1) : formatShortCount(Math.round(rate))} updates per second`;
    }
    case 'stale':
      return `SpecTcl does not answer.${age}${cause}`;
    case 'stopped':
    case 'broken':
      return [status?.cause ?? 'The application does not run.', age.trim()].filter(Boolean).join(' ');
    case 'connecting':
      return '';
    default:
      return kind satisfies never;
  }
}

/** The publication may be older than the moment; its time is the one that counts. */
function pastText(momentMs: number, shownMs: number | undefined): string {
  return shownMs === undefined || shownMs === 0
    ? `Reading the recording of ${momentText(momentMs)} …`
    : `Recorded ${momentText(shownMs)}.`;
}

function ageText(nowMs: number, shownMs: number | undefined): string {
  if (shownMs === undefined || shownMs === 0) return '';
  return ` The data shown are ${formatDuration(Math.max(0, nowMs - shownMs))} old.`;
}
