/** Receivers at other sites that a lossless flow waits for. */
import { expect } from 'chai';
import { FarReceivers } from '../../../nats/publish/far-receivers.js';
import { REPORT_SILENCE_MS, decodeReport, encodeReport } from '../../../protocol/nats/receiver-report.js';
import { ManualClock } from '../../kit/manual-clock.js';

const id = (digit: string): string => digit.repeat(32);

describe('far receivers of a lossless flow', () => {
  it('far receivers that need every buffer count in the present epoch, the slowest one first', () => {
    const far = new FarReceivers(new ManualClock());
    expect(far.slowest(1)).to.equal(undefined);
    far.report('frib', { id: id('a'), epoch: 1, next: 10, delivery: 'lossless' });
    far.report('frib', { id: id('b'), epoch: 1, next: 5, delivery: 'lossless' });
    far.report('frib', { id: id('c'), epoch: 2, next: 1, delivery: 'lossless' });
    expect(far.slowest(1)).to.equal(5);
    far.report('frib', { id: id('b'), epoch: 1, next: 6, delivery: 'lossy' });
    expect(far.slowest(1)).to.equal(10);
  });

  it('far receivers that are silent do not count any more', () => {
    const clock = new ManualClock();
    const far = new FarReceivers(clock);
    far.report('frib', { id: id('a'), epoch: 1, next: 10, delivery: 'lossless' });
    clock.advance(REPORT_SILENCE_MS);
    expect(far.slowest(1)).to.equal(10);
    clock.advance(1);
    expect(far.slowest(1)).to.equal(undefined);
  });

  it('far receivers of one site take no places of another, nor speak for it', () => {
    const far = new FarReceivers(new ManualClock());
    far.report('gsi', { id: id('a'), epoch: 1, next: 5, delivery: 'lossless' });
    far.report('frib', { id: id('a'), epoch: 1, next: 9, delivery: 'lossy' });
    expect(far.slowest(1)).to.equal(5);
    for (let at = 0; at < 5_000; at += 1) {
      const name = at.toString(16).padStart(32, '0');
      far.report('frib', { id: name, epoch: 1, next: 8, delivery: 'lossless' });
    }
    far.report('riken', { id: id('b'), epoch: 1, next: 3, delivery: 'lossless' });
    expect(far.slowest(1)).to.equal(3);
  });

  it('a report of a far receiver that is not valid is refused', () => {
    const report = { id: id('a'), epoch: 1, next: 10, delivery: 'lossless' } as const;
    expect(decodeReport(encodeReport(report))).to.deep.equal(report);
    expect(decodeReport(Buffer.from('{}'))).to.be.a('string');
    expect(decodeReport(Buffer.from('nonsense'))).to.be.a('string');
    expect(decodeReport(encodeReport({ ...report, next: -1 }))).to.be.a('string');
  });
});
