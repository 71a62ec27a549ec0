/** Receives messages of the application and counts them. */
import { connect } from 'mirrorflow';
import { Numbered } from './numbered.js';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

const { app } = settingsOf<{ app: string }>();
const client = await connect({ app, name: 'receiver' });
const tally = new Tally();
client.on(Numbered, () => {
  tally.buffers += 1;
});
answerQuestions({ sample: () => tally.sample() });
