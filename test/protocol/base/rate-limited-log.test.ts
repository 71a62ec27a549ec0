/** What others cause is logged at most once in ten seconds, whatever reasons they invent. */
import { expect } from 'chai';
import { Logger } from '../../../protocol/base/log.js';
import { RateLimitedLog } from '../../../protocol/base/rate-limited-log.js';
import { ManualClock } from '../../kit/manual-clock.js';

describe('a log of what unauthenticated peers cause', () => {
  let clock: ManualClock;
  let lines: Record<string, unknown>[];
  let log: RateLimitedLog;

  beforeEach(() => {
    clock = new ManualClock();
    lines = [];
    const sink = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    log = new RateLimitedLog(clock, new Logger('test', { sink, format: 'json', level: 'info' }));
  });

  it('a repeated message is logged once in ten seconds, with the number of those left out', () => {
    for (let count = 0; count < 100; count += 1) log.warn('refused', { reason: 'bad name', host: count });
    expect(lines).to.have.length(1);
    clock.advance(10_000);
    log.warn('refused', { reason: 'bad name' });
    expect(lines[1]).to.include({ message: 'refused', meanwhile: 99 });
  });

  it('a thousand reasons are no thousand lines', () => {
    for (let round = 0; round < 3; round += 1) {
      for (let reason = 0; reason < 1_000; reason += 1) log.warn('refused', { reason: `reason ${reason}` });
      clock.advance(1_000);
    }
    expect(lines).to.have.length.below(70);
    clock.advance(60_000);
    log.warn('refused', { reason: 'another one' });
    expect(lines.at(-1)).to.include({ reason: 'another one' });
  });
});
