/**
 * What a page receives of the application that it shows, besides spectra: state, list, gates, run,
 * replay, calibrations, layouts, trends, alarms and the time line, now and whenever they change.
 * `PageSession` starts it when the page selects an application. Sends by the function it is given.
 */
import type { Layout } from '../wire/layout.js';
import type { ServerMessage } from '../wire/messages.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import type { AppRecords } from './app-records.js';
import type { AppWatch } from './app-watch.js';
import type { Past } from './past/past.js';

export type SendToPage = (message: ServerMessage) => void;

/** What is kept of applications besides their watches. */
export interface ApplicationRecords {
  readonly calibrations: AppRecords<AxisCalibration>;
  readonly layouts: AppRecords<Layout>;
  readonly past: Past;
  /** Sends trends and alarms of an application, until the returned function is called. */
  followTrends(app: string, send: SendToPage): () => void;
}

/** Sends until the returned function is called. */
export function followApplication(
  watch: AppWatch,
  records: ApplicationRecords,
  send: SendToPage,
): () => void {
  const { app } = watch;
  const { calibrations, layouts, past } = records;
  const status = (): void => send({ kind: 'status', status: watch.status });
  const list = (): void => send({ kind: 'list', app, spectra: watch.list });
  const gates = (): void =>
    send({ kind: 'gates', app, gates: watch.gates, allowChanges: watch.allowChanges });
  const replay = (): void => send({ kind: 'replay', app, replay: watch.replay.replay ?? null });
  const run = (): void => send({ kind: 'run', app, run: watch.run.info ?? null });
  const calibrated = (changed = app): void => {
    if (changed === app) send({ kind: 'calibrations', app, calibrations: calibrations.of(app) });
  };
  const arranged = (changed = app): void => {
    if (changed === app) send({ kind: 'layouts', app, layouts: layouts.of(app) });
  };
  const unfollowTrends = records.followTrends(app, send);
  calibrations.on('changed', calibrated);
  layouts.on('changed', arranged);
  watch.on('status', status).on('list', list).on('gates', gates).on('replay', replay).on('run', run);
  const unfollowTimeline = past.followTimeline(app, (timeline) => send({ kind: 'timeline', app, timeline }));
  status();
  calibrated();
  arranged();
  if (watch.listIsKnown) list();
  if (watch.gates.length > 0 || watch.allowChanges) gates();
  if (watch.replay.replay !== undefined) replay();
  if (watch.run.info !== undefined) run();
  return () => {
    unfollowTrends();
    calibrations.off('changed', calibrated);
    layouts.off('changed', arranged);
    watch.off('status', status).off('list', list).off('gates', gates).off('replay', replay).off('run', run);
    unfollowTimeline();
  };
}
