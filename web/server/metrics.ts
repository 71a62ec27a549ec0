/** Numbers for Prometheus, in its text exposition format 0.0.4. Pure. */
import { COUNTERS, LEVELS } from '../../protocol/flow-file/counters.js';
import type { NetworkApplication, NetworkFlow, NetworkPicture, NetworkUsage } from '../wire/messages.js';

/** What the web process knows of itself. */
export interface OwnNumbers {
  readonly pages: number;
  readonly residentBytes: number;
  readonly uptimeS: number;
  readonly version: string;
}

/** Memory of processes by id, bytes; what could not be read is left out. */
export type ResidentBytes = ReadonlyMap<number, number>;

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

const STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const;

/** What is told of each flow that a client has open. */
const CLIENT_FAMILIES: readonly {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly valueOf: (usage: NetworkUsage) => number | undefined;
}[] = [
  {
    name: 'mirrorflow_client_history_ready_buffers',
    type: 'gauge',
    help: 'filled buffers of the history of a client',
    valueOf: ({ ready }) => ready,
  },
  {
    name: 'mirrorflow_client_history_capacity_buffers',
    type: 'gauge',
    help: 'buffers of the history of a client; of the ring for a provider',
    valueOf: ({ capacity }) => capacity,
  },
  {
    name: 'mirrorflow_client_lag_buffers',
    type: 'gauge',
    help: 'published buffers that a client has not acknowledged',
    valueOf: ({ lag }) => lag,
  },
  {
    name: 'mirrorflow_client_holding',
    type: 'gauge',
    help: '1 for a client that holds the writer of a flow back now',
    valueOf: ({ holding }) => (holding === undefined ? undefined : Number(holding)),
  },
  {
    name: 'mirrorflow_client_lost_buffers_total',
    type: 'counter',
    help: 'buffers that a client lost since it opened the flow',
    valueOf: ({ lost }) => lost,
  },
];

export function metricsText(picture: NetworkPicture, own: OwnNumbers, resident: ResidentBytes): string {
  const lines: string[] = [];
  const family = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    samples: readonly Sample[],
  ): void => {
    if (samples.length === 0) return;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const { labels, value } of samples) lines.push(`${name}${labelText(labels)} ${numberText(value)}`);
  };
  const apps = picture.applications;
  const flows = apps.flatMap((app) => app.flows.map((flow) => ({ app, flow })));
  const labelsOf = (app: NetworkApplication, flow: NetworkFlow): Labels => ({
    app: app.name,
    flow: flow.flow,
  });

  family('mirrorflow_host_server_up', 'gauge', 'whether the host server answers', [
    { labels: {}, value: picture.hostServer ? 1 : 0 },
  ]);
  family(
    'mirrorflow_application_state',
    'gauge',
    '1 for the state an application is in',
    apps.flatMap((app) =>
      STATES.map((state) => ({ labels: { app: app.name, state }, value: app.state === state ? 1 : 0 })),
    ),
  );
  family(
    'mirrorflow_application_up',
    'gauge',
    'whether the app server of a running application answers',
    apps.map((app) => ({
      labels: { app: app.name },
      value: app.state === 'running' && app.problem === undefined ? 1 : 0,
    })),
  );
  family(
    'mirrorflow_application_restarts_total',
    'counter',
    'times the app server was restarted',
    apps.map((app) => ({ labels: { app: app.name }, value: app.restarts })),
  );
  family(
    'mirrorflow_application_clients',
    'gauge',
    'clients of an application',
    apps.map((app) => ({ labels: { app: app.name }, value: app.clients.length })),
  );
  family(
    'mirrorflow_flow_live',
    'gauge',
    'whether the source of a flow is heard: 1 live, 0 stale, ended or not there',
    flows.map(({ app, flow }) => ({
      labels: labelsOf(app, flow),
      value: flow.state === 'running' && (flow.sourceState ?? 'live') === 'live' ? 1 : 0,
    })),
  );
  family(
    'mirrorflow_flow_restarts_total',
    'counter',
    'times the duplicator of a flow was restarted',
    flows.map(({ app, flow }) => ({ labels: labelsOf(app, flow), value: flow.restarts })),
  );
  family(
    'mirrorflow_flow_buffers',
    'gauge',
    'buffers of the ring of a flow',
    flows.flatMap(({ app, flow }) =>
      flow.buffers === undefined ? [] : [{ labels: labelsOf(app, flow), value: flow.buffers }],
    ),
  );
  const perFlow = (name: string, help: string, valueOf: (flow: NetworkFlow) => number | undefined): void =>
    family(
      name,
      'gauge',
      help,
      flows.flatMap(({ app, flow }) => {
        const value = valueOf(flow);
        return value === undefined ? [] : [{ labels: labelsOf(app, flow), value }];
      }),
    );
  perFlow(
    'mirrorflow_flow_quiet_seconds',
    'seconds since something was published, as far as it was looked at',
    ({ quietS }) => quietS,
  );
  perFlow(
    'mirrorflow_flow_lag_buffers',
    'published buffers that the slowest reader has not acknowledged',
    ({ lag }) => lag,
  );
  perFlow(
    'mirrorflow_flow_history_fill_ratio',
    'how full the fullest history of a reader is, 0 to 1',
    ({ fill }) => fill,
  );
  perFlow(
    'mirrorflow_flow_holding',
    'clients that hold the writer back now',
    ({ holding }) => holding.length,
  );
  for (const { name, type, help, valueOf } of CLIENT_FAMILIES) {
    family(
      name,
      type,
      help,
      merged(
        apps.flatMap((app) =>
          app.clients.flatMap((client) =>
            client.flows.flatMap((usage) => {
              const value = valueOf(usage);
              const labels = {
                app: app.name,
                client: client.name,
                pid: String(client.pid),
                flow: usage.flow,
              };
              return value === undefined ? [] : [{ labels, value }];
            }),
          ),
        ),
      ),
    );
  }
  for (const counter of new Set(flows.flatMap(({ flow }) => Object.keys(flow.counters)))) {
    const samples = flows.flatMap(({ app, flow }) => {
      const value = flow.counters[counter];
      return value === undefined ? [] : [{ labels: labelsOf(app, flow), value }];
    });
    const level = LEVELS.has(counter) || !Object.hasOwn(COUNTERS, counter);
    const name = `mirrorflow_flow_${snake(counter)}${level ? '' : '_total'}`;
    family(name, level ? 'gauge' : 'counter', helpOf(counter), samples);
  }
  for (const rate of new Set(flows.flatMap(({ flow }) => Object.keys(flow.rates)))) {
    family(
      `mirrorflow_flow_${snake(rate)}_per_second`,
      'gauge',
      `per second, between the last two looks: ${helpOf(rate)}`,
      flows.flatMap(({ app, flow }) => {
        const value = flow.rates[rate];
        return value === undefined ? [] : [{ labels: labelsOf(app, flow), value }];
      }),
    );
  }
  family(
    'mirrorflow_process_resident_bytes',
    'gauge',
    'memory of a process, mapped flow files included',
    [
      ...apps.map((app) => ({ role: 'app-server', app: app.name, flow: '', pid: app.pid })),
      ...flows.map(({ app, flow }) => ({
        role: 'duplicator',
        app: app.name,
        flow: flow.flow,
        pid: flow.pid,
      })),
    ].flatMap(({ pid, ...labels }) => {
      const value = pid === undefined ? undefined : resident.get(pid);
      return value === undefined ? [] : [{ labels, value }];
    }),
  );
  family('mirrorflow_web_pages', 'gauge', 'browser pages connected now', [{ labels: {}, value: own.pages }]);
  family('mirrorflow_web_resident_bytes', 'gauge', 'memory of the web process', [
    { labels: {}, value: own.residentBytes },
  ]);
  family('mirrorflow_web_uptime_seconds', 'gauge', 'seconds since the web process started', [
    { labels: {}, value: own.uptimeS },
  ]);
  family('mirrorflow_build_info', 'gauge', 'the version that runs', [
    { labels: { version: own.version }, value: 1 },
  ]);
  return `${lines.join('\n')}\n`;
}

/** One sample for the same labels, the highest: a program may have a flow open twice under one name. */
function merged(samples: readonly Sample[]): Sample[] {
  const found = new Map<string, Sample>();
  for (const sample of samples) {
    const key = labelText(sample.labels);
    const other = found.get(key);
    if (other === undefined || other.value < sample.value) found.set(key, sample);
  }
  return [...found.values()];
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/[^a-z0-9_]/g, '_');
}

function helpOf(counter: string): string {
  return Object.hasOwn(COUNTERS, counter) ? COUNTERS[counter as keyof typeof COUNTERS].help : counter;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Backslash, quote and line feed are the three that the format escapes. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'NaN';
}
