/**
 * The list of rules for Prometheus: JSON, which is YAML, with expressions of a known form over
 * metrics that the viewer has. Where promtool is installed it checks them too.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';
import { metricsText } from '../../web/server/metrics.js';
import { skip } from '../kit/skip.js';

const FILE = join(packageFolder(), 'docs', 'alerting-rules.json');
const PROMTOOL = ['/usr/bin/promtool', '/usr/local/bin/promtool'].find(existsSync);
/** `name{label="value"} == 1` or `increase(name[15m]) > 0`. */
const COMPARISON =
  /^(?:increase\()?([a-z_]+)(?:\{[a-z]+="[a-z]+"(?:, ?[a-z]+="[a-z]+")*\})?(?:\[\d+[smh]\]\))? (?:==|!=|>|<|>=|<=) \d+$/;

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function rules(): Rule[] {
  const text = readFileSync(FILE, 'utf8');
  const { groups } = JSON.parse(text) as { groups: { name: string; rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

function metricNames(): Set<string> {
  const alarm = {
    rule: { condition: { kind: 'stale' }, raiseAfterS: 0, clearAfterS: 0 },
    raised: true,
    sinceMs: 0,
  } as const;
  const flow = {
    flow: 'spectra',
    type: 'spectcl',
    state: 'running',
    restarts: 0,
    counters: {},
    rates: {},
    readers: 0,
    holding: [],
  };
  const app = { name: 'e1', state: 'running', restarts: 0, flows: [flow], clients: [] };
  const text = metricsText(
    { host: 'h', hostServer: true, atMs: 0, applications: [app] },
    { pages: 0, residentBytes: 0, uptimeS: 0, version: '' },
    new Map(),
    {
      apps: [{ app: 'e1', values: { t: 1 }, alarmViews: { a: alarm }, problem: undefined }],
      deliveries: [{ receiver: 'webhook', delivered: 0, failed: 0 }],
    },
  );
  return new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]!));
}

describe('the rules for Prometheus', () => {
  it('every rule has a name, an expression over metrics of the viewer, a time, a severity and a summary', () => {
    const names = metricNames();
    expect(rules().length).to.be.at.least(5);
    expect(new Set(rules().map(({ alert }) => alert)).size).to.equal(rules().length);
    for (const { alert, expr, for: time, labels, annotations } of rules()) {
      expect(alert).to.match(/^[A-Z][A-Za-z]+$/);
      expect(time).to.match(/^\d+[smh]$/);
      expect(['warning', 'critical']).to.include(labels['severity']);
      expect(annotations['summary']).to.be.a('string').and.not.equal('');
      for (const part of expr.split(/ (?:and|or|unless) /)) {
        const metric = COMPARISON.exec(part)?.[1];
        expect(metric, part).to.be.a('string');
        expect(metric === 'up' || names.has(metric!), `${metric} is a metric`).to.equal(true);
      }
    }
  });

  it('the page on alarms names every metric of trends and alarms', () => {
    const page = readFileSync(join(packageFolder(), 'docs', 'alarms.md'), 'utf8');
    const missing = [...metricNames()].filter(
      (name) => /_(alarm|trend)/.test(name) && !page.includes(`\`${name}\``),
    );
    expect(missing).to.deep.equal([]);
  });

  it('promtool accepts the rules', function () {
    if (PROMTOOL === undefined)
      skip(this, 'no promtool on this machine: it comes with the package prometheus');
    expect(execFileSync(PROMTOOL, ['check', 'rules', FILE], { encoding: 'utf8' })).to.include('SUCCESS');
  });
});
