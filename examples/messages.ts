/**
 * Sends a message from one client of an application to another.
 *
 *     node dist/examples/messages.js [APPLICATION]
 *
 * A message is an object of a class with declared attributes; the receiver gets an object of its
 * own class for that type, in the same state. Usually the two clients are two programs.
 */
import { connect, type Attributes } from 'mirrorflow';

class RunStarted {
  /** Type on the wire; the name of the class when it is left out. */
  static readonly type = 'RunStarted';
  static readonly attributes = {
    run: 'number',
    title: 'string',
    rates: ['number'],
  } satisfies Attributes;
  run = 0;
  title = '';
  rates: number[] = [];
}

const [app = 'demo'] = process.argv.slice(2);

const logger = await connect({ app, name: 'logger' });
// Handlers run one after another, in the order of arrival.
logger.on(RunStarted, ({ run, title }, { from }) => console.log(`${from} started run ${run}: ${title}`));

const control = await connect({ app, name: 'control' });
const message = Object.assign(new RunStarted(), { run: 7, title: 'first beam', rates: [10.5, 20] });
// Other addressees: { application: true } for every client, { provider: 'events' } for a flow's.
const arrival = logger.waitFor(RunStarted, { timeoutMs: 5_000 });
const { received } = await control.send(message, { to: { client: 'logger' } });
const { rates } = await arrival;
console.log(`queued by ${received.map(({ client }) => client).join(' and ')}; rates ${rates.join(' and ')}`);

await control.close();
await logger.close();
