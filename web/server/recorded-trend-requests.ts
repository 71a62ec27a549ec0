/**
 * Answers `/api/recorded-trend`: the sum of a recorded spectrum or of a region of it over time.
 * `ApiRequests` calls it with the address of a request; the recording thread reads.
 */
import type { ServerResponse } from 'node:http';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { ChannelRange } from '../wire/ranges.js';
import { isMoment } from '../wire/page-messages.js';
import { checkedApp, checkWords, required, type RequestWords } from './request-words.js';
import type { Applications, MaySee } from './applications.js';
import type { TrendRequest } from './past/past-messages.js';

const WORDS = ['app', 'spectrum', 'from', 'to', 'points', 'x', 'y'];
const POINTS = { default: 400, max: 2_000 };

/**
 * Throws BAD_OPTION, UNKNOWN_APPLICATION, LIMIT_REACHED, FILE_CORRUPT and TIMED_OUT. Stops reading
 * when the client leaves.
 */
export async function answerRecordedTrend(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
  response: ServerResponse,
): Promise<object> {
  checkWords(words, WORDS);
  const trend = trendRequest(words);
  const app = await checkedApp(applications, maySee, required(words, 'app'));
  const leaving = new AbortController();
  response.once('close', () => leaving.abort());
  const { sums } = await applications.past.trend(app, trend, leaving.signal);
  const { spectrum, fromMs, toMs } = trend;
  return { spectrum, fromMs, toMs, sums };
}

/** Throws BAD_OPTION. */
export function trendRequest(words: RequestWords): TrendRequest {
  const [fromMs, toMs] = [Number(required(words, 'from')), Number(required(words, 'to'))];
  if (!isMoment(fromMs) || !isMoment(toMs) || fromMs >= toMs) {
    throw badWord(
      `from and to are ${words.get('from')} and ${words.get('to')}; they must be whole milliseconds since 1970, the later one as to`,
    );
  }
  const points = Number(words.get('points') ?? POINTS.default);
  if (!Number.isInteger(points) || points < 1 || points > POINTS.max) {
    throw badWord(`points is ${words.get('points')}; it must be a whole number from 1 to ${POINTS.max}`);
  }
  const [x, y] = [rangeOf(words, 'x'), rangeOf(words, 'y')];
  if (y !== undefined && x === undefined) throw badWord('y is given without x');
  return {
    spectrum: required(words, 'spectrum'),
    region: x === undefined ? undefined : { x, ...(y === undefined ? {} : { y }) },
    fromMs,
    toMs,
    points,
  };
}

/** Stored channels as `100-200`, the second one not included. */
function rangeOf(words: RequestWords, word: string): ChannelRange | undefined {
  const text = words.get(word);
  if (text === undefined) return undefined;
  const [, from, to] = /^(\d{1,9})-(\d{1,9})$/.exec(text) ?? [];
  if (from !== undefined && Number(from) < Number(to)) return [Number(from), Number(to)];
  throw badWord(`${word} is ${JSON.stringify(text)}; it must be a range of stored channels such as 100-200`);
}

function badWord(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
