import { expect } from 'chai';
import { EarlyGreeting, greet, ownLinkNumber } from '../../../client-lib/mirror/early-greeting.js';
import { FlowDouble, until } from '../../fixtures/flow-double.js';
import { failureOf } from '../../app-server/test-system.js';

describe('the greeting of a mirror', () => {
  let from: FlowDouble;
  beforeEach(async () => {
    from = await FlowDouble.start({ epoch: 5 });
  });
  afterEach(() => from.close());

  it('is answered with the epoch that is served', async () => {
    const number = ownLinkNumber();
    const { link, epoch } = await greet(from.opened.link, number);
    expect(epoch).to.equal(5);
    expect([...from.consumers].map(({ client, hello }) => [client, hello.role])).to.deep.equal([
      [number, 'observer'],
    ]);
    link.destroy();
  });

  it('is the link of the mirror when it was to the duplicator that the app server names', async () => {
    const early = new EarlyGreeting(from.opened.link, 1);
    const link = await early.of(from.opened.link, 5);
    expect(link?.closed).to.equal(false);
    link?.destroy();
  });

  it('is given up when another duplicator serves by now', async () => {
    const early = new EarlyGreeting(from.opened.link, 1);
    expect(await early.of(from.opened.link, 6)).to.equal(undefined);
    await until(() => from.consumers.size === 0);
  });

  it('is given up when the flow is somewhere else', async () => {
    const early = new EarlyGreeting(from.opened.link, 1);
    expect(await early.of(`${from.opened.link}-of-another`, 5)).to.equal(undefined);
    await until(() => from.consumers.size === 0);
  });

  it('is nothing where nobody listens yet', async () => {
    const early = new EarlyGreeting(`${from.opened.link}-of-nobody`, 1);
    expect(await early.of(`${from.opened.link}-of-nobody`, 5)).to.equal(undefined);
  });

  it('tells the refusal of a duplicator', async () => {
    const refusing = await FlowDouble.start({ refuse: 'VERSION_MISMATCH' });
    try {
      expect((await failureOf(greet(refusing.opened.link, 1))).code).to.equal('VERSION_MISMATCH');
    } finally {
      await refusing.close();
    }
  });
});
