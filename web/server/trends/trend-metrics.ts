/**
 * The metrics of trends and alarms for Prometheus, as families of samples. `metrics.ts` has them
 * among its own; docs/alarms.md names them. Pure.
 */
import type { AlarmView } from '../../wire/trends.js';
import type { DeliveryCounts } from '../alarms/alarm-notifier.js';
import type { Family, Sample } from '../exposition.js';

/** The trends and alarms of one application. */
export interface AppTrendMetrics {
  readonly app: string;
  readonly values: Readonly<Record<string, number>>;
  readonly alarmViews: Readonly<Record<string, AlarmView>>;
  /** Why trends are not stored. */
  readonly problem: string | undefined;
}

export interface TrendMetrics {
  readonly apps: readonly AppTrendMetrics[];
  readonly deliveries: readonly DeliveryCounts[];
}

export function trendFamilies({ apps, deliveries }: TrendMetrics): Family[] {
  const ofAlarms = (valueOf: (view: AlarmView) => boolean): Sample[] =>
    apps.flatMap(({ app, alarmViews }) =>
      Object.entries(alarmViews).map(([alarm, view]) => ({
        labels: { app, alarm },
        value: Number(valueOf(view)),
      })),
    );
  const ofDeliveries = (valueOf: (counts: DeliveryCounts) => number): Sample[] =>
    deliveries.map((counts) => ({ labels: { receiver: counts.receiver }, value: valueOf(counts) }));
  return [
    {
      name: 'mirrorflow_trend',
      type: 'gauge',
      help: 'value of a trend within the last second: counts per second, or a centroid',
      samples: apps.flatMap(({ app, values }) =>
        Object.entries(values).map(([trend, value]) => ({ labels: { app, trend }, value })),
      ),
    },
    {
      name: 'mirrorflow_trends_stored',
      type: 'gauge',
      help: '0 while the trends of an application cannot be written to disk',
      samples: apps.map(({ app, problem }) => ({ labels: { app }, value: Number(problem === undefined) })),
    },
    {
      name: 'mirrorflow_alarm',
      type: 'gauge',
      help: '1 while an alarm is raised',
      samples: ofAlarms(({ raised }) => raised),
    },
    {
      name: 'mirrorflow_alarm_acknowledged',
      type: 'gauge',
      help: '1 while a raised alarm is acknowledged',
      samples: ofAlarms(({ acknowledged }) => acknowledged !== undefined),
    },
    {
      name: 'mirrorflow_alarm_deliveries_total',
      type: 'counter',
      help: 'messages of alarms that a receiver has taken',
      samples: ofDeliveries(({ delivered }) => delivered),
    },
    {
      name: 'mirrorflow_alarm_failed_deliveries_total',
      type: 'counter',
      help: 'messages of alarms that a receiver has not taken after all attempts',
      samples: ofDeliveries(({ failed }) => failed),
    },
  ];
}
