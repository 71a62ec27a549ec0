/** The peer of a consumer: plain `node:net`, received into one buffer and thrown away. */
import { connect } from 'node:net';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

const { path, size } = settingsOf<{ path: string; size: number }>();
const tally = new Tally();
connect({
  path,
  onread: {
    buffer: Buffer.allocUnsafeSlow(Math.max(65_536, Math.min(size, 2 ** 20))),
    callback: (bytes) => {
      tally.bytes += bytes;
      tally.buffers = Math.floor(tally.bytes / size);
      return true;
    },
  },
});
answerQuestions({ sample: () => tally.sample() });
