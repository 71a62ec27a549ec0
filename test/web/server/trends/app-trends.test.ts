/** Trends and alarms of one application over a display memory of the test, second by second. */
import { expect } from 'chai';
import { SpectraView } from '../../../../client-lib/index.js';
import { DISPLAY_HEADER_BYTES } from '../../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../../protocol/spectcl/display-writer.js';
import type { Applications } from '../../../../web/server/applications.js';
import type { AppWatch } from '../../../../web/server/app-watch.js';
import { followTrends } from '../../../../web/server/trends/page-trends.js';
import type { ScalerReader } from '../../../../web/server/trends/scaler-reader.js';
import {
  acknowledgeAlarm,
  answerTrend,
  setAlarm,
  setTrend,
} from '../../../../web/server/trends/trend-requests.js';
import { trendFamilies } from '../../../../web/server/trends/trend-metrics.js';
import { Trends } from '../../../../web/server/trends/trends.js';
import { expositionText } from '../../../../web/server/exposition.js';
import type { GateShape } from '../../../../protocol/spectcl/gate-shape.js';
import type { WatchState } from '../../../../web/wire/application.js';
import type { ServerMessage } from '../../../../web/wire/messages.js';
import type { AlarmRule, Trend } from '../../../../web/wire/trends.js';
import { startSimulator } from '../../../../simulator/simulator.js';
import { eventually } from '../../../kit/eventually.js';
import { failureOf } from '../../../kit/failure-of.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const START_MS = Date.UTC(2027, 2, 1);
const CHANNELS = 64;
const LINE: Trend = { source: { kind: 'spectrum', spectrum: 'line', x: [10, 20] }, thresholds: [] };
const TOO_HIGH: AlarmRule = {
  condition: { kind: 'above', trend: 'line', limit: 50, hysteresis: 10 },
  raiseAfterS: 2,
  clearAfterS: 2,
};

/** A source that publishes once a second, in place of a mirror. */
class FakeSource {
  readonly memory = Buffer.alloc(DISPLAY_HEADER_BYTES + 2 * CHANNELS * 4);
  state: WatchState = 'live';
  publishedMs = START_MS;
  kept = 0;
  gates: readonly GateShape[] = [];
  address: string | undefined;

  constructor() {
    writeBinding(this.memory, 0, {
      name: 'line',
      type: 4,
      xchans: CHANNELS,
      ychans: 1,
      channelOffset: 0,
      xmin: 0,
      xmax: CHANNELS,
    });
    writeBinding(this.memory, 3, {
      name: 'map',
      type: 5,
      xchans: 8,
      ychans: 8,
      channelOffset: CHANNELS,
      xmin: 0,
      xmax: 8,
    });
  }

  count(channel: number, counts: number): void {
    const at = DISPLAY_HEADER_BYTES + channel * 4;
    this.memory.writeUInt32LE(this.memory.readUInt32LE(at) + counts, at);
  }
}

/** The watch of an application with this source. */
function watchOf(source: FakeSource): AppWatch {
  return {
    app: 'e1',
    get source() {
      return source.address;
    },
    metadata: {
      spectrum: (name: string) => ({
        name,
        parameters: ['e'],
        axes: [{ low: 0, high: CHANNELS, bins: CHANNELS }],
      }),
    },
    get gates() {
      return source.gates;
    },
    get status() {
      return { state: source.state };
    },
    keepAttached: () => {
      source.kept += 1;
      return () => (source.kept -= 1);
    },
    readMirror: (use: (spectra: SpectraView, meta: object) => unknown) =>
      use(new SpectraView(source.memory), { timestampNs: source.publishedMs * 1e6 }),
  } as unknown as AppWatch;
}

describe('trends and alarms of an application', () => {
  let directory: TemporaryDirectory;
  let source: FakeSource;
  let clock: ManualClock;
  let trends: Trends;

  beforeEach(() => {
    directory = new TemporaryDirectory();
    source = new FakeSource();
    clock = new ManualClock();
    trends = open();
  });

  afterEach(async () => {
    await trends.close();
    directory.remove();
  });

  function open(): Trends {
    const scalers = { rate: () => 7, keepOnly: () => undefined, close: () => Promise.resolve() };
    const opened = new Trends({
      watch: () => watchOf(source),
      scalers: () => scalers as unknown as ScalerReader,
      stateDirectory: directory.path,
      alarmActions: undefined,
      clock,
      wallMs: () => START_MS + clock.nowMs(),
      log: silent,
    });
    opened.start();
    return opened;
  }

  const applications = (): Applications =>
    ({ trends, knows: (app: string) => Promise.resolve(app === 'e1') }) as unknown as Applications;
  const anyone = (): boolean => true;
  const set = (name: string, trend: unknown) =>
    setTrend(applications(), anyone, JSON.stringify({ app: 'e1', name, trend }));
  const setRule = (name: string, rule: unknown) =>
    setAlarm(applications(), anyone, JSON.stringify({ app: 'e1', name, rule }));

  /** Lets seconds pass, in each of which the source counts and publishes. */
  function pass(seconds: number, counts = 0, channel = 15): void {
    for (let second = 0; second < seconds; second += 1) {
      if (counts > 0) source.count(channel, counts);
      source.publishedMs += 1_000;
      clock.advance(1_000);
    }
  }

  const history = (name: string, span = 600) =>
    answerTrend(
      applications(),
      anyone,
      new Map(Object.entries({ app: 'e1', trend: name, span: String(span) })),
    );

  it('the rate of a region counts its channels only, the rate of a spectrum all, of a map too', async () => {
    await set('line', LINE);
    await set('all', { source: { kind: 'spectrum', spectrum: 'line' }, thresholds: [] });
    await set('corner', {
      source: { kind: 'spectrum', spectrum: 'map', x: [1, 3], y: [2, 4] },
      thresholds: [],
    });
    await set('gone', { source: { kind: 'spectrum', spectrum: 'no such spectrum' }, thresholds: [] });
    pass(1);
    source.count(10, 3);
    source.count(20, 4);
    source.count(CHANNELS + 2 * 8 + 1, 5);
    source.count(CHANNELS + 2 * 8 + 3, 100);
    pass(1);
    expect(trends.of('e1')?.values).to.deep.equal({ line: 3, all: 7, corner: 5 });
    expect((await history('line')).mean).to.deep.equal([3]);
  });

  it('the rate in a gate counts its bins only, and a moved gate gives no rate of its move', async () => {
    const slice = (low: number, high: number): GateShape => ({
      name: 'line gate',
      type: 's',
      shape: 'slice',
      parameters: ['e'],
      low,
      high,
      points: [],
    });
    await set('gated', { source: { kind: 'gate', spectrum: 'line', gate: 'line gate' }, thresholds: [] });
    pass(2, 5);
    expect(trends.of('e1')?.values, 'without the gate').to.deep.equal({});
    source.gates = [slice(10, 20)];
    pass(1, 5);
    source.count(40, 100);
    pass(1, 5);
    expect(trends.of('e1')?.values).to.deep.equal({ gated: 5 });
    source.gates = [slice(10, 50)];
    pass(1, 5);
    expect(trends.of('e1')?.values).to.deep.equal({});
    source.gates = [slice(10, 50)];
    pass(1, 5);
    expect(trends.of('e1')?.values, 'a new list with the same gate').to.deep.equal({ gated: 5 });
  });

  it('a page gets the trends, the values of each second and the alarms, and nothing of another application', async () => {
    await set('line', LINE);
    const sent: ServerMessage[] = [];
    const unfollow = followTrends(trends, 'e1', (message) => sent.push(message));
    followTrends(trends, 'other', (message) => sent.push(message))();
    pass(2, 30);
    await set('line', { ...LINE, thresholds: [20] });
    unfollow();
    pass(1, 30);
    expect(sent.filter(({ kind }) => kind === 'trend-values').at(-1)).to.deep.equal({
      kind: 'trend-values',
      app: 'e1',
      atMs: START_MS + 2_000,
      values: { line: 30 },
    });
    expect(sent.filter((message) => message.kind === 'trends' && message.app === 'e1').at(-1)).to.deep.equal({
      kind: 'trends',
      app: 'e1',
      trends: { line: { ...LINE, thresholds: [20] } },
    });
  });

  it('after a restart the minutes are there, and the trends and rules too', async () => {
    await set('line', LINE);
    pass(180, 30);
    await trends.close();
    expect(source.kept).to.equal(0);
    trends = open();
    const { mean, timesMs } = await history('line');
    expect(mean).to.deep.equal([30, 30, 30]);
    expect(timesMs).to.deep.equal([0, 1, 2].map((minute) => START_MS + minute * 60_000));
    expect((await history('line', 2_592_000)).mean).to.deep.equal([30, 30, 30]);
  });

  it('an alarm is raised, shown in the metrics, acknowledged, kept over a restart, and cleared', async () => {
    await set('line', LINE);
    await setRule('too high', TOO_HIGH);
    pass(3, 80);
    expect(trends.of('e1')?.alarmViews['too high']?.raised, 'not before its time').to.equal(false);
    pass(1, 80);
    const view = trends.of('e1')?.alarmViews['too high'];
    expect(view).to.deep.include({ raised: true, sinceMs: START_MS + 4_000, value: 80 });
    const body = JSON.stringify({ app: 'e1', name: 'too high', by: 'Eva' });
    await acknowledgeAlarm(applications(), anyone, body);
    await trends.close();
    trends = open();
    expect(trends.of('e1')?.alarmViews['too high']?.acknowledged).to.deep.equal({
      by: 'Eva',
      atMs: START_MS + 4_000,
    });
    const metrics = (): string => expositionText(trendFamilies({ apps: trends.apps, deliveries: [] }));
    expect(metrics()).to.include('mirrorflow_alarm{app="e1",alarm="too high"} 1\n');
    expect(metrics()).to.include('mirrorflow_alarm_acknowledged{app="e1",alarm="too high"} 1\n');
    pass(3, 45);
    expect(trends.of('e1')?.alarmViews['too high']?.raised, 'within the hysteresis').to.equal(true);
    pass(3, 5);
    expect(trends.of('e1')?.alarmViews['too high']?.raised).to.equal(false);
    expect(metrics()).to.include('mirrorflow_alarm{app="e1",alarm="too high"} 0\n');
    expect((await failureOf(acknowledgeAlarm(applications(), anyone, body))).code).to.equal('BAD_OPTION');
  });

  it('a stale source raises its alarm, and its trends have no values meanwhile', async () => {
    await set('line', LINE);
    await setRule('stale', { condition: { kind: 'stale' }, raiseAfterS: 5, clearAfterS: 0 });
    pass(3, 10);
    source.state = 'stale';
    pass(6);
    expect(trends.of('e1')?.values).to.deep.equal({});
    expect(trends.of('e1')?.alarmViews['stale']?.raised).to.equal(true);
    source.state = 'live';
    pass(2, 10);
    expect(trends.of('e1')?.alarmViews['stale']?.raised).to.equal(false);
    expect(trends.of('e1')?.values).to.deep.equal({ line: 10 });
  });

  it('a peak that moves by more than its error raises an alarm, one that stays does not', async () => {
    await set('peak', { source: { kind: 'peak', spectrum: 'line', x: [0, CHANNELS] }, thresholds: [] });
    await setRule('moved', {
      condition: { kind: 'moved', trend: 'peak', reference: 30.5, deviations: 5 },
      raiseAfterS: 20,
      clearAfterS: 20,
    });
    const run = (seconds: number, centre: number): void => {
      for (let second = 0; second < seconds; second += 1) {
        for (let channel = 0; channel < CHANNELS; channel += 1) {
          source.count(channel, Math.round(1 + 200 * Math.exp(-(((channel + 0.5 - centre) / 3) ** 2) / 2)));
        }
        pass(1);
      }
    };
    run(120, 30.5);
    expect(trends.of('e1')?.values['peak']).to.be.closeTo(30.5, 0.05);
    expect(trends.of('e1')?.alarmViews['moved']?.raised).to.equal(false);
    run(120, 31.5);
    expect(trends.of('e1')?.values['peak']).to.be.closeTo(31.5, 0.05);
    expect(trends.of('e1')?.alarmViews['moved']?.raised).to.equal(true);
  });

  it('the end of a run raises its alarm, as the source reports it', async () => {
    const simulator = await startSimulator({ rate: 0, noDelay: true });
    try {
      await setRule('end of run', { condition: { kind: 'run-ended' }, raiseAfterS: 0, clearAfterS: 0 });
      pass(10);
      expect(trends.of('e1')?.alarmViews['end of run']?.raised, 'the source says nothing').to.equal(false);
      source.address = simulator.address;
      await eventually(() => {
        pass(1);
        return trends.of('e1')?.alarmViews['end of run']?.raised;
      }, 'the alarm is raised');
    } finally {
      await trends.close();
      await simulator.close();
    }
  });

  it('the last trend and alarm end everything: no timer, no attachment', async () => {
    await set('line', LINE);
    await setRule('too high', TOO_HIGH);
    expect([source.kept, clock.delaysMs.length]).to.deep.equal([1, 1]);
    expect((await failureOf(set('line', null))).message).to.include('remove the alarm first');
    await setRule('too high', null);
    await set('line', null);
    expect([source.kept, clock.delaysMs.length]).to.deep.equal([0, 0]);
  });

  it('what is not a trend, a rule or an acknowledgement is refused with its reason', async () => {
    await set('line', LINE);
    const cases: [Promise<unknown>, string, string][] = [
      [set('', LINE), 'BAD_OPTION', 'name'],
      [set('x', { source: { kind: 'spectrum' }, thresholds: [] }), 'BAD_OPTION', 'source'],
      [set('x', { ...LINE, thresholds: [1, 2, 3, 4, 5] }), 'BAD_OPTION', 'thresholds'],
      [
        set('x', { source: { kind: 'peak', spectrum: 'line', x: [9, 2] }, thresholds: [] }),
        'BAD_OPTION',
        'source',
      ],
      [setRule('x', { ...TOO_HIGH, raiseAfterS: -1 }), 'BAD_OPTION', 'condition'],
      [
        setRule('x', { ...TOO_HIGH, condition: { ...TOO_HIGH.condition, trend: 'no' } }),
        'BAD_OPTION',
        'no trend no',
      ],
      [
        setRule('x', {
          ...TOO_HIGH,
          condition: { kind: 'moved', trend: 'line', reference: 1, deviations: 3 },
        }),
        'BAD_OPTION',
        'not the trend of a peak',
      ],
      [
        acknowledgeAlarm(applications(), anyone, '{"app":"e1","name":"x","by":"a\\nb"}'),
        'BAD_OPTION',
        'person',
      ],
      [setTrend(applications(), anyone, '{"app":"e2","name":"x","trend":null}'), 'UNKNOWN_APPLICATION', 'e2'],
      [history('no such trend'), 'BAD_OPTION', 'no such trend'],
      [history('line', 1e9), 'BAD_OPTION', 'span'],
    ];
    for (const [request, code, text] of cases) {
      const failure = await failureOf(request);
      expect([failure.code, failure.message.includes(text)], failure.message).to.deep.equal([code, true]);
    }
  });

  it('at most sixteen trends of peaks are kept, since each costs fits', async () => {
    const peak = (index: number) => ({
      source: { kind: 'peak', spectrum: 'line', x: [index, index + 20] },
      thresholds: [],
    });
    for (let index = 0; index < 16; index += 1) await set(`peak ${index}`, peak(index));
    await set('peak 3', peak(40));
    expect((await failureOf(set('one more', peak(1)))).code).to.equal('LIMIT_REACHED');
  });
});
