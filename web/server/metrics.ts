/**
 * The metrics of `/metrics` for Prometheus: the picture of the network (applications, their flows
 * of buffers, their clients), the memory of their processes and the web process itself, as families
 * of samples. `MetricsRequests` gathers the input, `exposition.ts` encodes the result. Pure.
 *
 * Names and labels are used by docs/grafana-dashboard.json.
 */
import { COUNTERS, GAUGES } from '../../protocol/flow/flow-file/counters.js';
import type {
  NetworkApplication,
  NetworkFlow,
  NetworkPicture,
  NetworkRecorder,
  NetworkUsage,
} from '../wire/network.js';
import { trendFamilies, type TrendMetrics } from './trends/trend-metrics.js';
import { expositionText, type Family, type Labels, type Sample } from './exposition.js';

/** Figures of the web process itself. */
export interface WebProcessMetrics {
  readonly pages: number;
  readonly residentBytes: number;
  readonly uptimeS: number;
  readonly version: string;
}

/** Resident memory by process id, in bytes; processes that could not be read are missing. */
export type ResidentBytes = ReadonlyMap<number, number>;

/** A family with one sample per subject (application, flow, use of a flow); none for undefined. */
type Metric<T> = readonly [
  name: string,
  type: Family['type'],
  help: string,
  valueOf: (subject: T) => number | undefined,
];

const STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;

const APPLICATION_METRICS: readonly Metric<NetworkApplication>[] = [
  [
    'up',
    'gauge',
    'whether the app server of a running application answers',
    (app) => Number(app.state === 'running' && app.problem === undefined),
  ],
  ['restarts_total', 'counter', 'times the app server was restarted', ({ restarts }) => restarts],
  ['clients', 'gauge', 'clients of an application', ({ clients }) => clients.length],
];

const RECORDER_METRICS: readonly Metric<NetworkRecorder>[] = [
  [
    'recording',
    'gauge',
    '1 while the recorder of an application records, 0 while it waits, the disk is full or it has failed',
    ({ state }) => Number(state === 'recording'),
  ],
  [
    'waiting',
    'gauge',
    '1 while the recorder of an application waits for a live source',
    ({ state }) => Number(state === 'waiting'),
  ],
  ['file_bytes', 'gauge', 'bytes of the present file of a recorder', ({ bytes }) => bytes],
  ['buffers_total', 'counter', 'buffers and publications that a recorder recorded', ({ buffers }) => buffers],
  [
    'lost_buffers_total',
    'counter',
    'buffers that a recorder lost because its disk was slow',
    ({ lost }) => lost,
  ],
];

/** Metrics of applications whose SpecTcl reports its run. */
const RUN_METRICS: readonly Metric<NetworkApplication>[] = [
  [
    'active',
    'gauge',
    '1 while the run of a SpecTcl is active',
    ({ run }) => (run?.state === undefined ? undefined : Number(run.state === 'Active')),
  ],
  [
    'analysed_buffers_total',
    'counter',
    'buffers that a SpecTcl has analysed in its run',
    ({ run }) => run?.analysed,
  ],
  [
    'analysed_buffers_per_second',
    'gauge',
    'buffers that a SpecTcl analyses a second, between two readings',
    ({ run }) => run?.perSecond,
  ],
];

const FLOW_METRICS: readonly Metric<NetworkFlow>[] = [
  [
    'live',
    'gauge',
    '1 while the source of a flow is live, 0 while it is stale, ended or not started',
    (flow) => Number(flow.state === 'running' && (flow.sourceState ?? 'live') === 'live'),
  ],
  ['restarts_total', 'counter', 'times the duplicator of a flow was restarted', ({ restarts }) => restarts],
  ['buffers', 'gauge', 'buffers of the ring of a flow', ({ buffers }) => buffers],
  [
    'quiet_seconds',
    'gauge',
    'seconds since the published count changed, between two scrapes',
    ({ quietS }) => quietS,
  ],
  [
    'readers',
    'gauge',
    'readers of a flow, including those that only read the newest buffer',
    ({ readers }) => readers,
  ],
  [
    'lag_buffers',
    'gauge',
    'published buffers that the slowest reader has not acknowledged',
    ({ lag }) => lag,
  ],
  ['history_fill_ratio', 'gauge', 'fill of the fullest history of a reader, 0 to 1', ({ fill }) => fill],
  ['holding_clients', 'gauge', 'clients that hold the writer back', ({ holding }) => holding.length],
];

const CLIENT_METRICS: readonly Metric<NetworkUsage>[] = [
  ['history_ready_buffers', 'gauge', 'filled buffers of the history of a client', ({ ready }) => ready],
  [
    'history_capacity_buffers',
    'gauge',
    'buffers of the history of a client; of the ring for a provider',
    ({ capacity }) => capacity,
  ],
  ['lag_buffers', 'gauge', 'published buffers that a client has not acknowledged', ({ lag }) => lag],
  [
    'holding',
    'gauge',
    '1 while a client holds the writer of a flow back',
    ({ holding }) => (holding === undefined ? undefined : Number(holding)),
  ],
  [
    'lost_buffers_total',
    'counter',
    'buffers that a client lost since it opened the flow',
    ({ lost }) => lost,
  ],
  ['missed_buffers_total', 'counter', 'buffers that a client missed in the ring', ({ missed }) => missed],
  ['holds_total', 'counter', 'times that a client has held the writer of a flow back', ({ holds }) => holds],
  [
    'held_seconds_total',
    'counter',
    'seconds for which a client has held the writer of a flow back',
    ({ heldMs }) => (heldMs === undefined ? undefined : heldMs / 1000),
  ],
];

export function metricsText(
  picture: NetworkPicture,
  viewer: WebProcessMetrics,
  resident: ResidentBytes,
  trends: TrendMetrics = { apps: [], deliveries: [] },
): string {
  const apps = picture.applications;
  const flows = apps.flatMap((app) =>
    app.flows.map((flow) => ({ subject: flow, labels: { app: app.name, flow: flow.flow } })),
  );
  const usages = apps.flatMap((app) =>
    app.clients.flatMap(({ name, pid, flows: open }) =>
      open.map((usage) => ({
        subject: usage,
        labels: { app: app.name, client: name, pid: String(pid), flow: usage.flow },
      })),
    ),
  );
  return expositionText([
    gauge('mirrorflow_host_server_up', 'whether the host server answers', Number(picture.hostServer)),
    {
      name: 'mirrorflow_application_state',
      type: 'gauge',
      help: '1 for the current state of an application',
      samples: apps.flatMap((app) =>
        STATES.map((state) => ({ labels: { app: app.name, state }, value: Number(app.state === state) })),
      ),
    },
    ...families(
      'mirrorflow_application',
      APPLICATION_METRICS,
      apps.map((app) => ({ subject: app, labels: { app: app.name } })),
    ),
    ...families(
      'mirrorflow_recorder',
      RECORDER_METRICS,
      apps.flatMap(({ name, recorder }) =>
        recorder === undefined ? [] : [{ subject: recorder, labels: { app: name } }],
      ),
    ),
    {
      name: 'mirrorflow_run_info',
      type: 'gauge',
      help: 'number and title of the run of a SpecTcl',
      samples: apps.flatMap(({ name, run }) =>
        run === undefined
          ? []
          : [{ labels: { app: name, run: run.number ?? '', title: run.title ?? '' }, value: 1 }],
      ),
    },
    ...families(
      'mirrorflow_run',
      RUN_METRICS,
      apps.map((app) => ({ subject: app, labels: { app: app.name } })),
    ),
    ...families('mirrorflow_flow', FLOW_METRICS, flows),
    ...families('mirrorflow_client', CLIENT_METRICS, usages),
    ...counterFamilies(flows),
    memory(apps, resident),
    ...trendFamilies(trends),
    gauge('mirrorflow_web_pages', 'connected browser pages', viewer.pages),
    gauge('mirrorflow_web_resident_bytes', 'memory of the web process', viewer.residentBytes),
    gauge('mirrorflow_web_uptime_seconds', 'seconds since the web process started', viewer.uptimeS),
    gauge('mirrorflow_build_info', 'version of the web process', 1, { version: viewer.version }),
  ]);
}

interface Labelled<T> {
  readonly subject: T;
  readonly labels: Labels;
}

function families<T>(
  prefix: string,
  metrics: readonly Metric<T>[],
  subjects: readonly Labelled<T>[],
): Family[] {
  return metrics.map(([name, type, help, valueOf]) => ({
    name: `${prefix}_${name}`,
    type,
    help,
    samples: samplesOf(subjects, valueOf),
  }));
}

/** The counters of the flow files, and their rates between two scrapes. */
function counterFamilies(flows: readonly Labelled<NetworkFlow>[]): Family[] {
  const namesIn = (field: 'counters' | 'rates'): string[] => [
    ...new Set(flows.flatMap(({ subject: flow }) => Object.keys(flow[field]))),
  ];
  return [
    ...namesIn('counters').map((counter): Family => {
      const level = GAUGES.has(counter) || !Object.hasOwn(COUNTERS, counter);
      return {
        name: `mirrorflow_flow_${snakeCase(counter)}${level ? '' : '_total'}`,
        type: level ? 'gauge' : 'counter',
        help: helpOf(counter),
        samples: samplesOf(flows, ({ counters }) => counters[counter]),
      };
    }),
    ...namesIn('rates').map((rate): Family => ({
      name: `mirrorflow_flow_${snakeCase(rate)}_per_second`,
      type: 'gauge',
      help: `per second, between the last two scrapes: ${helpOf(rate)}`,
      samples: samplesOf(flows, ({ rates }) => rates[rate]),
    })),
  ];
}

function memory(apps: readonly NetworkApplication[], resident: ResidentBytes): Family {
  const processes = apps.flatMap(({ name: app, pid, recorder, flows }) => [
    { pid, labels: { role: 'app-server', app, flow: '' } },
    { pid: recorder?.pid, labels: { role: 'recorder', app, flow: '' } },
    ...flows.map(({ flow, pid }) => ({ pid, labels: { role: 'duplicator', app, flow } })),
  ]);
  return {
    name: 'mirrorflow_process_resident_bytes',
    type: 'gauge',
    help: 'memory of a process, mapped flow files included',
    samples: processes.flatMap(({ pid, labels }) => {
      const value = pid === undefined ? undefined : resident.get(pid);
      return value === undefined ? [] : [{ labels, value }];
    }),
  };
}

function gauge(name: string, help: string, value: number, labels: Labels = {}): Family {
  return { name, type: 'gauge', help, samples: [{ labels, value }] };
}

function samplesOf<T>(
  subjects: readonly Labelled<T>[],
  valueOf: (subject: T) => number | undefined,
): Sample[] {
  return subjects.flatMap(({ subject, labels }) => {
    const value = valueOf(subject);
    return value === undefined ? [] : [{ labels, value }];
  });
}

/** `publishedBytes` as `published_bytes`, in the characters that metric names may have. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');
}

function helpOf(counter: string): string {
  return Object.hasOwn(COUNTERS, counter) ? COUNTERS[counter as keyof typeof COUNTERS].help : counter;
}
