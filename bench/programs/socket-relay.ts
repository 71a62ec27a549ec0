/**
 * The process in the middle of two bare hops: what comes on one Unix socket goes to the next as it
 * comes.
 */
import { connect, createServer } from 'node:net';
import { answerQuestions, settingsOf } from './answering.js';

const { from, to } = settingsOf<{ from: string; to: string }>();
createServer((next) => {
  const source = connect(from);
  source.on('data', (chunk) => {
    if (next.write(chunk)) return;
    source.pause();
    next.once('drain', () => source.resume());
  });
}).listen(to, () => answerQuestions({}));
