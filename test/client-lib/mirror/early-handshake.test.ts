/** Joining a mirror's signal link while the app server is still being asked for the flow. */
import { expect } from 'chai';
import { EarlyHandshake, joinAsObserver, ownLinkNumber } from '../../../client-lib/mirror/early-handshake.js';
import { FlowDouble } from '../../kit/flow-double.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';

describe('the early handshake of a mirror', () => {
  let from: FlowDouble;
  beforeEach(async () => {
    from = await FlowDouble.start({ epoch: 5 });
  });
  afterEach(() => from.close());

  it('an observer that joins a link learns the epoch that its duplicator serves', async () => {
    const number = ownLinkNumber();
    const { connection, epoch } = await joinAsObserver(from.opened.link, number);
    expect(epoch).to.equal(5);
    expect([...from.consumers].map(({ client, hello }) => [client, hello.role])).to.deep.equal([
      [number, 'observer'],
    ]);
    connection.destroy();
  });

  it('an early handshake with the duplicator that the app server names is the link of the mirror', async () => {
    const early = new EarlyHandshake(from.opened.link, 1);
    const link = await early.take(from.opened.link, 5);
    expect(link?.connection.closed).to.equal(false);
    link?.connection.destroy();
  });

  it('an early handshake is closed when a duplicator of another epoch serves the flow', async () => {
    const early = new EarlyHandshake(from.opened.link, 1);
    expect(await early.take(from.opened.link, 6)).to.equal(undefined);
    await eventually(() => from.consumers.size === 0);
  });

  it('an early handshake is closed when the flow has another link', async () => {
    const early = new EarlyHandshake(from.opened.link, 1);
    expect(await early.take(`${from.opened.link}-of-another`, 5)).to.equal(undefined);
    await eventually(() => from.consumers.size === 0);
  });

  it('an early handshake gives no link where no duplicator listens yet', async () => {
    const early = new EarlyHandshake(`${from.opened.link}-unused`, 1);
    expect(await early.take(`${from.opened.link}-unused`, 5)).to.equal(undefined);
  });

  it('an early handshake with a duplicator that does not answer times out once, not twice', async () => {
    const mute = await FlowDouble.start({ mute: true });
    try {
      const early = new EarlyHandshake(mute.opened.link, 1);
      expect((await failureOf(early.take(mute.opened.link, 1))).code).to.equal('TIMED_OUT');
      expect(await early.take(mute.opened.link, 1)).to.equal(undefined);
    } finally {
      await mute.close();
    }
  });

  it('an observer that is refused gets the code of the refusal', async () => {
    const refusing = await FlowDouble.start({ refuse: 'VERSION_MISMATCH' });
    try {
      expect((await failureOf(joinAsObserver(refusing.opened.link, 1))).code).to.equal('VERSION_MISMATCH');
    } finally {
      await refusing.close();
    }
  });
});
