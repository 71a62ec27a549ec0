/**
 * Entry module of the recording thread: a worker of the web server that reads recordings, so that
 * inflating publications does not block the server's loop. `recording-thread.ts` starts it. Opens
 * the files of recordings for reading; no other module of the web server loads the MCAP reader.
 */
import { parentPort } from 'node:worker_threads';
import { describeError, isMirrorflowError } from '../../../protocol/base/errors.js';
import { MomentReader } from './moment-reader.js';
import type { PastOutcome, PastRequest, ReadMoment } from './past-messages.js';
import { RecordedFiles } from './recorded-files.js';
import { timelineOf } from './timeline.js';
import { readTrend } from './trend-reader.js';

const port = parentPort;
if (port === null) throw new Error('recording-thread is a worker; it cannot be run as a program');

const recorded = new RecordedFiles();
const moments = new MomentReader();
const trends = new Map<number, AbortController>();

port.on('message', (request: PastRequest) => {
  if (request.kind === 'cancel') return trends.get(request.id)?.abort();
  void outcomeOf(request).then((outcome) => port.postMessage(outcome, transferred(outcome)));
});

async function outcomeOf(request: Exclude<PastRequest, { kind: 'cancel' }>): Promise<PastOutcome> {
  const { id } = request;
  try {
    return { id, answer: await answerOf(request) };
  } catch (error) {
    if (!isMirrorflowError(error)) {
      return { id, error: { code: 'APPLICATION_ERROR', message: describeError(error), facts: {} } };
    }
    const { code, message, facts } = error;
    return { id, error: { code, message, facts } };
  }
}

async function answerOf(request: Exclude<PastRequest, { kind: 'cancel' }>) {
  const files = recorded.list(request.of);
  switch (request.kind) {
    case 'timeline':
      return timelineOf(files);
    case 'moment':
      return moments.read(files, request.atMs);
    case 'trend': {
      const ending = new AbortController();
      trends.set(request.id, ending);
      try {
        return await readTrend(files, request.trend, ending.signal);
      } finally {
        trends.delete(request.id);
      }
    }
    default:
      return request satisfies never;
  }
}

/** The display memory goes to the server without a copy. */
function transferred(outcome: PastOutcome): ArrayBuffer[] {
  if (!('answer' in outcome) || !('memory' in outcome.answer)) return [];
  const { memory }: ReadMoment = outcome.answer;
  return [memory.buffer];
}
