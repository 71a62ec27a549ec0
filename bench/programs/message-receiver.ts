/**
 * Receives the messages that the benchmark `rpc` sends to a client of the application, and counts
 * them. The benchmark starts it as a process; opens a connection to the app server.
 */
import { connect } from 'mirrorflow';
import { Numbered } from './numbered.js';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

const { app } = readSettings<{ app: string }>();
const client = await connect({ app, name: 'receiver' });
const tally = new Tally();
client.on(Numbered, () => {
  tally.buffers += 1;
});
serveRequests({ sample: () => tally.sample() });
