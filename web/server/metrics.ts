/** Numbers for Prometheus: what the picture of the network holds, as families of samples. Pure. */
import { COUNTERS, LEVELS } from '../../protocol/flow/flow-file/counters.js';
import type { NetworkApplication, NetworkFlow, NetworkPicture, NetworkUsage } from '../wire/messages.js';
import { expositionText, type Family, type Labels, type Sample } from './exposition.js';

/** What the web process knows of itself. */
export interface WebProcessMetrics {
  readonly pages: number;
  readonly residentBytes: number;
  readonly uptimeS: number;
  readonly version: string;
}

/** Memory of processes by id, bytes; what could not be read is left out. */
export type ResidentBytes = ReadonlyMap<number, number>;

type Kind = Family['type'];
/**
 * One number of each flow, or of each flow that a client has open; undefined where it is not known.
 */
type Metric<T> = readonly [name: string, kind: Kind, help: string, valueOf: (of: T) => number | undefined];

const STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;

const APPLICATION_FIGURES: readonly Metric<NetworkApplication>[] = [
  [
    'up',
    'gauge',
    'whether the app server of a running application answers',
    (app) => Number(app.state === 'running' && app.problem === undefined),
  ],
  ['restarts_total', 'counter', 'times the app server was restarted', ({ restarts }) => restarts],
  ['clients', 'gauge', 'clients of an application', ({ clients }) => clients.length],
];

const FLOW_FIGURES: readonly Metric<NetworkFlow>[] = [
  [
    'live',
    'gauge',
    'whether the source of a flow is heard: 1 live, 0 stale, ended or not there',
    (flow) => Number(flow.state === 'running' && (flow.sourceState ?? 'live') === 'live'),
  ],
  ['restarts_total', 'counter', 'times the duplicator of a flow was restarted', ({ restarts }) => restarts],
  ['buffers', 'gauge', 'buffers of the ring of a flow', ({ buffers }) => buffers],
  [
    'quiet_seconds',
    'gauge',
    'seconds since something was published, as far as it was looked at',
    ({ quietS }) => quietS,
  ],
  ['readers', 'gauge', 'who reads a flow, those too who only look at the newest', ({ readers }) => readers],
  [
    'lag_buffers',
    'gauge',
    'published buffers that the slowest reader has not acknowledged',
    ({ lag }) => lag,
  ],
  ['history_fill_ratio', 'gauge', 'how full the fullest history of a reader is, 0 to 1', ({ fill }) => fill],
  ['holding_clients', 'gauge', 'clients that hold the writer back now', ({ holding }) => holding.length],
];

const CLIENT_FIGURES: readonly Metric<NetworkUsage>[] = [
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
    '1 for a client that holds the writer of a flow back now',
    ({ holding }) => (holding === undefined ? undefined : Number(holding)),
  ],
  [
    'lost_buffers_total',
    'counter',
    'buffers that a client lost since it opened the flow',
    ({ lost }) => lost,
  ],
];

export function metricsText(
  picture: NetworkPicture,
  own: WebProcessMetrics,
  resident: ResidentBytes,
): string {
  const apps = picture.applications;
  const flows = apps.flatMap((app) =>
    app.flows.map((flow) => ({ of: flow, labels: { app: app.name, flow: flow.flow } })),
  );
  const usages = apps.flatMap((app) =>
    app.clients.flatMap(({ name, pid, flows: open }) =>
      open.map((usage) => ({
        of: usage,
        labels: { app: app.name, client: name, pid: String(pid), flow: usage.flow },
      })),
    ),
  );
  return expositionText([
    gauge('mirrorflow_host_server_up', 'whether the host server answers', Number(picture.hostServer)),
    {
      name: 'mirrorflow_application_state',
      type: 'gauge',
      help: '1 for the state an application is in',
      samples: apps.flatMap((app) =>
        STATES.map((state) => ({ labels: { app: app.name, state }, value: Number(app.state === state) })),
      ),
    },
    ...families(
      'mirrorflow_application',
      APPLICATION_FIGURES,
      apps.map((app) => ({ of: app, labels: { app: app.name } })),
    ),
    ...families('mirrorflow_flow', FLOW_FIGURES, flows),
    ...families('mirrorflow_client', CLIENT_FIGURES, usages),
    ...counterFamilies(flows),
    memory(apps, resident),
    gauge('mirrorflow_web_pages', 'browser pages connected now', own.pages),
    gauge('mirrorflow_web_resident_bytes', 'memory of the web process', own.residentBytes),
    gauge('mirrorflow_web_uptime_seconds', 'seconds since the web process started', own.uptimeS),
    gauge('mirrorflow_build_info', 'the version that runs', 1, { version: own.version }),
  ]);
}

interface Labelled<T> {
  readonly of: T;
  readonly labels: Labels;
}

function families<T>(prefix: string, figures: readonly Metric<T>[], all: readonly Labelled<T>[]): Family[] {
  return figures.map(([name, type, help, valueOf]) => ({
    name: `${prefix}_${name}`,
    type,
    help,
    samples: samplesOf(all, valueOf),
  }));
}

/** The counters of the flow files as they are, and their rates between two looks. */
function counterFamilies(flows: readonly Labelled<NetworkFlow>[]): Family[] {
  const named = (of: 'counters' | 'rates'): string[] => [
    ...new Set(flows.flatMap(({ of: flow }) => Object.keys(flow[of]))),
  ];
  return [
    ...named('counters').map((counter): Family => {
      const level = LEVELS.has(counter) || !Object.hasOwn(COUNTERS, counter);
      return {
        name: `mirrorflow_flow_${snake(counter)}${level ? '' : '_total'}`,
        type: level ? 'gauge' : 'counter',
        help: helpOf(counter),
        samples: samplesOf(flows, ({ counters }) => counters[counter]),
      };
    }),
    ...named('rates').map((rate): Family => ({
      name: `mirrorflow_flow_${snake(rate)}_per_second`,
      type: 'gauge',
      help: `per second, between the last two looks: ${helpOf(rate)}`,
      samples: samplesOf(flows, ({ rates }) => rates[rate]),
    })),
  ];
}

function memory(apps: readonly NetworkApplication[], resident: ResidentBytes): Family {
  const processes = apps.flatMap(({ name: app, pid, flows }) => [
    { pid, labels: { role: 'app-server', app, flow: '' } },
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

function samplesOf<T>(all: readonly Labelled<T>[], valueOf: (of: T) => number | undefined): Sample[] {
  return all.flatMap(({ of, labels }) => {
    const value = valueOf(of);
    return value === undefined ? [] : [{ labels, value }];
  });
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');
}

function helpOf(counter: string): string {
  return Object.hasOwn(COUNTERS, counter) ? COUNTERS[counter as keyof typeof COUNTERS].help : counter;
}
