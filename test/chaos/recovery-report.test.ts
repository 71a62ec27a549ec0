/**
 * The recovery figures of chaos reports: times by kind of fault, and the slowest recoveries. Pure.
 */
import { expect } from 'chai';
import { RecoveryTimes, SlowestRecoveries, formatSlowRecovery } from './recovery-report.js';

describe('recovery times of a chaos run', () => {
  it('a summary of recovery times has median and worst of each kind and of all together', () => {
    const times = new RecoveryTimes();
    for (const ms of [10, 40, 20]) times.record('flood', ms);
    times.record('cut-source', 100);
    expect(times.summary()).to.deep.equal({
      'cut-source': { median: 100, worst: 100 },
      flood: { median: 20, worst: 40 },
      all: { median: 30, worst: 100 },
    });
  });

  it('a summary of recovery times is empty without recoveries', () => {
    expect(new RecoveryTimes().summary()).to.deep.equal({});
  });
});

describe('the slowest recoveries of a chaos run', () => {
  const killed = (overAt: number) => ({ kind: 'kill-duplicator', target: 'beta/events', overAt });
  const stopped = (overAt: number) => ({ kind: 'stop-consumer', target: 'events-one', overAt });

  it('a slow recovery names its faults, its time, the last reader, and the faults shortly before it', () => {
    const slowest = new SlowestRecoveries();
    slowest.record({ kind: 'stop-consumer', ms: 3, reader: 'events-one' }, [stopped(1_000)], 500);
    slowest.record({ kind: 'kill-duplicator', ms: 20, reader: 'events-two' }, [killed(5_000)], 500);
    const both = [killed(8_500), stopped(9_000)];
    slowest.record({ kind: 'several', ms: 800.4, reader: 'events-one', attachedMs: 300 }, both, 500);
    const [first] = slowest.list;
    expect(first).to.deep.equal({
      kind: 'several',
      ms: 800,
      reader: 'events-one',
      attachedMs: 300,
      fault: 4,
      atSeconds: 8.5,
      hit: ['kill-duplicator beta/events', 'stop-consumer events-one'],
      before: [{ hit: 'kill-duplicator beta/events', msBefore: 4_000 }],
    });
    expect(first === undefined ? '' : formatSlowRecovery(first)).to.equal(
      '800 ms: kill-duplicator beta/events + stop-consumer events-one (fault 4, at 8.5 s), events-one last, attached after 300 ms',
    );
  });

  it('the list of slowest recoveries has ten entries, slowest first', () => {
    const slowest = new SlowestRecoveries();
    for (let fault = 1; fault <= 30; fault += 1)
      slowest.record({ kind: 'flood', ms: (fault * 7) % 30, reader: 'r' }, [stopped(fault)], 0);
    expect(slowest.list.map(({ ms }) => ms)).to.deep.equal([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
  });
});
