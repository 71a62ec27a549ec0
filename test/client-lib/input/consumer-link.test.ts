/**
 * Where a consumer begins to read when it attaches to a flow again, on a double of a duplicator.
 */
import { expect } from 'chai';
import { attachConsumer } from '../../../client-lib/input/consumer-link.js';
import { eventually } from '../../kit/eventually.js';
import { codeOf } from '../../kit/failure-of.js';
import { FlowDouble } from '../../kit/flow-double.js';

describe('the attachment of a consumer', () => {
  it('a consumer resumes at its sequence in the same epoch, and begins at the oldest buffer of another', async () => {
    const from = await FlowDouble.start({ epoch: 5 });
    try {
      from.publish(6);
      const same = await attachConsumer(from.opened, {
        delivery: 'lossless',
        start: { epoch: 5, sequence: 4 },
      });
      const other = await attachConsumer(from.opened, {
        delivery: 'lossless',
        start: { epoch: 4, sequence: 4 },
      });
      expect([same.reader.next, other.reader.next]).to.deep.equal([4, 0]);
      expect(other.missedAtStart).to.equal(0);
      same.close();
      other.close();
    } finally {
      await from.close();
    }
  });

  it('a file that another duplicator has made than the one that answers is not read', async () => {
    const [from, other] = [await FlowDouble.start({ epoch: 5 }), await FlowDouble.start({ epoch: 6 })];
    try {
      other.publish(6);
      const mixed = { ...from.opened, file: other.opened.file };
      const attached = attachConsumer(mixed, { delivery: 'lossless', start: 'oldest' });
      expect(await codeOf(attached)).to.equal('CLOSED');
      await eventually(() => from.consumers.size === 0, 'its link is closed');
    } finally {
      await from.close();
      await other.close();
    }
  });
});
