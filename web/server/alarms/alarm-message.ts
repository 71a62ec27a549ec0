/**
 * What receivers of alarms get: one JSON object, the same for the webhook and the command. Pure.
 */
import { conditionText } from '../../view/alarm-text.js';
import type { AlarmEvent } from './app-alarms.js';

/** The object of docs/alarms.md. */
export function alarmMessage(
  { app, alarm, state, rule, value, atMs }: AlarmEvent,
  host: string,
): Readonly<Record<string, unknown>> {
  return {
    host,
    app,
    alarm,
    state,
    text: conditionText(rule.condition),
    value: value ?? null,
    time: new Date(atMs).toISOString(),
  };
}
