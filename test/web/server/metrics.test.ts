/** The metrics for Prometheus, and that the Grafana dashboard finds them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { COUNTERS, GAUGES } from '../../../protocol/flow/flow-file/counters.js';
import { expositionText } from '../../../web/server/exposition.js';
import { metricsText } from '../../../web/server/metrics.js';
import type { NetworkClient, NetworkFlow, NetworkPicture } from '../../../web/wire/network.js';

const DASHBOARD = fileURLToPath(new URL('../../../../docs/grafana-dashboard.json', import.meta.url));
const VIEWER = { pages: 2, residentBytes: 5e7, uptimeS: 12.5, version: '1.2.3' };

const flow: NetworkFlow = {
  flow: 'events',
  type: 'bytes',
  state: 'running',
  sourceState: 'live',
  pid: 12,
  restarts: 1,
  buffers: 8,
  counters: Object.fromEntries(Object.keys(COUNTERS).map((name, index) => [name, index])),
  rates: { published: 2.5 },
  readers: 1,
  quietS: 0.25,
  lag: 3,
  fill: 0.5,
  holding: ['sleeper'],
};
const sleeper: NetworkClient = {
  name: 'sleeper',
  program: '/bin/sleeper',
  pid: 77,
  connected: true,
  answered: true,
  flows: [
    { flow: 'events', direction: 'input', ready: 2, capacity: 4, lag: 3, holding: true, lost: 0 },
    { flow: 'events', direction: 'input', ready: 1, capacity: 4, lag: 7, holding: false, lost: 9 },
  ],
};
const picture: NetworkPicture = {
  host: 'here',
  hostServer: true,
  atMs: 0,
  applications: [
    {
      name: 'e1',
      state: 'running',
      restarts: 0,
      pid: 11,
      flows: [flow],
      clients: [sleeper],
      recorder: { state: 'recording', pid: 13, bytes: 4_096, buffers: 12, lost: 1 },
    },
    {
      name: 'full',
      state: 'running',
      restarts: 0,
      flows: [],
      clients: [],
      recorder: { state: 'full', bytes: 1, buffers: 2, lost: 3 },
    },
    {
      name: 'idle',
      state: 'running',
      restarts: 0,
      flows: [],
      clients: [],
      recorder: { state: 'waiting', bytes: 1, buffers: 0, lost: 0 },
    },
  ],
};

/** Every sample: its name with labels, and its value. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('the metrics for Prometheus', () => {
  const text = metricsText(picture, VIEWER, new Map([[11, 1e6], [12, 2e6], [13, 3e6]])); // prettier-ignore

  it('whether a recorder records, how much and what it lost are metrics of its application', () => {
    const values = samples(text);
    const of = (name: string, app: string) => values.get(`mirrorflow_recorder_${name}{app="${app}"}`);
    expect(['recording', 'waiting'].map((name) => of(name, 'idle'))).to.deep.equal([0, 1]);
    expect(of('waiting', 'e1')).to.equal(0);
    const names = ['recording', 'file_bytes', 'buffers_total', 'lost_buffers_total'];
    expect(names.map((name) => of(name, 'e1'))).to.deep.equal([1, 4_096, 12, 1]);
    expect(names.map((name) => of(name, 'full'))).to.deep.equal([0, 1, 2, 3]);
    expect(values.get('mirrorflow_process_resident_bytes{role="recorder",app="e1",flow=""}')).to.equal(3e6);
  });

  it('history fill, lag, staleness and holding clients are metrics of flows and of named clients', () => {
    const values = samples(text);
    const of = (name: string) => values.get(`mirrorflow_flow_${name}{app="e1",flow="events"}`);
    expect([
      of('lag_buffers'),
      of('history_fill_ratio'),
      of('quiet_seconds'),
      of('holding_clients'),
    ]).to.deep.equal([3, 0.5, 0.25, 1]);
    const client = (name: string) =>
      values.get(`mirrorflow_client_${name}{app="e1",client="sleeper",pid="77",flow="events"}`);
    expect([
      client('history_ready_buffers'),
      client('history_capacity_buffers'),
      client('lag_buffers'),
      client('holding'),
      client('lost_buffers_total'),
    ]).to.deep.equal([2, 4, 7, 1, 9]);
  });

  it('every counter of a flow file is a metric, one that can decrease a gauge', () => {
    for (const name of Object.keys(COUNTERS)) {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const type = GAUGES.has(name)
        ? `TYPE mirrorflow_flow_${snake} gauge`
        : `TYPE mirrorflow_flow_${snake}_total counter`;
      expect(text, name).to.contain(`# ${type}\n`);
    }
  });

  it('equal labels have one sample, and label values are escaped', () => {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(new Set(lines.map((line) => line.slice(0, line.lastIndexOf(' ')))).size).to.equal(lines.length);
    const labels = { name: 'a"b\\c\nd' };
    expect(
      expositionText([{ name: 'x', type: 'gauge', help: 'h', samples: [{ labels, value: NaN }] }]),
    ).to.equal('# HELP x h\n# TYPE x gauge\nx{name="a\\"b\\\\c\\nd"} NaN\n');
    expect(expositionText([{ name: 'x', type: 'gauge', help: 'h', samples: [] }])).to.equal('\n');
  });

  it('the dashboard queries only existing metrics and labels', () => {
    const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
      panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[];
    };
    const names = [...samples(text).keys()];
    const targets = panels.flatMap(({ title, targets = [] }) =>
      targets.map((target) => ({ title, ...target })),
    );
    expect(targets.length).to.be.above(15);
    for (const { title, expr, legendFormat } of targets) {
      const queried = expr.match(/mirrorflow_\w+/g) ?? [];
      expect(queried.length, title).to.be.above(0);
      const labels = [
        ...(legendFormat.match(/(?<=\{\{)\w+(?=\}\})/g) ?? []),
        ...(expr.match(/\w+(?==~)/g) ?? []),
      ];
      for (const name of queried) {
        const series = names.find((key) => key === name || key.startsWith(`${name}{`));
        expect(series, `${title}: ${name}`).to.be.a('string');
        for (const label of labels) expect(series, `${title}: ${name}`).to.contain(`${label}="`);
      }
    }
  });

  it('the run of a SpecTcl is a metric where it is known', () => {
    expect(text).not.to.contain('mirrorflow_run_info{');
    const [app] = picture.applications;
    const run = { number: '12', title: 'test', state: 'Active', analysed: 7, perSecond: 3.5 };
    const values = samples(metricsText({ ...picture, applications: [{ ...app!, run }] }, VIEWER, new Map()));
    expect(values.get('mirrorflow_run_info{app="e1",run="12",title="test"}')).to.equal(1);
    expect(values.get('mirrorflow_run_active{app="e1"}')).to.equal(1);
    expect(values.get('mirrorflow_run_analysed_buffers_total{app="e1"}')).to.equal(7);
    expect(values.get('mirrorflow_run_analysed_buffers_per_second{app="e1"}')).to.equal(3.5);
  });
});
