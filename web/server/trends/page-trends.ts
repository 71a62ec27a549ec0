/**
 * What one page receives of the trends and alarms of its application. `PageSession` calls it when a
 * page chooses an application. Sends messages through the function that is passed in.
 */
import type { ServerMessage } from '../../wire/messages.js';
import type { Trends } from './trends.js';

/** Sends the present state now and every change, until the returned function is called. */
export function followTrends(
  trends: Trends,
  app: string,
  send: (message: ServerMessage) => void,
): () => void {
  const sendTrends = (changed = app): void => {
    if (changed !== app) return;
    const problem = trends.of(app)?.problem;
    send({
      kind: 'trends',
      app,
      trends: trends.records.trends.of(app),
      ...(problem === undefined ? {} : { problem }),
    });
  };
  const sendAlarms = (changed = app): void => {
    if (changed === app) send({ kind: 'alarms', app, alarms: trends.of(app)?.alarmViews ?? {} });
  };
  const sendValues = (changed: string, atMs: number): void => {
    if (changed === app) send({ kind: 'trend-values', app, atMs, values: trends.of(app)?.values ?? {} });
  };
  trends.on('trends', sendTrends).on('alarms', sendAlarms).on('values', sendValues);
  sendTrends();
  sendAlarms();
  return () => {
    trends.off('trends', sendTrends).off('alarms', sendAlarms).off('values', sendValues);
  };
}
