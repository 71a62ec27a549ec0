import { expect } from 'chai';
import { Slowest, describeSlow } from './slowest.js';

describe('the slowest recoveries of a chaos run', () => {
  const killed = (overAt: number) => ({ kind: 'kill-duplicator', target: 'beta/events', overAt });
  const stopped = (overAt: number) => ({ kind: 'stop-consumer', target: 'events-one', overAt });

  it('a slow recovery is reported with its faults, its slowest reader and the faults shortly before', () => {
    const slowest = new Slowest();
    slowest.note({ kind: 'stop-consumer', ms: 3, reader: 'events-one' }, [stopped(1_000)], 500);
    slowest.note({ kind: 'kill-duplicator', ms: 20, reader: 'events-two' }, [killed(5_000)], 500);
    const both = [killed(8_500), stopped(9_000)];
    slowest.note({ kind: 'several', ms: 800.4, reader: 'events-one', attachedMs: 300 }, both, 500);
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
    expect(first === undefined ? '' : describeSlow(first)).to.equal(
      '800 ms: kill-duplicator beta/events + stop-consumer events-one (fault 4, at 8.5 s), events-one last, attached after 300 ms',
    );
  });

  it('the ten slowest recoveries are kept, the slowest first', () => {
    const slowest = new Slowest();
    for (let fault = 1; fault <= 30; fault += 1)
      slowest.note({ kind: 'flood', ms: (fault * 7) % 30, reader: 'r' }, [stopped(fault)], 0);
    expect(slowest.list.map(({ ms }) => ms)).to.deep.equal([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
  });
});
