/**
 * Answers the requests of trends and alarms over HTTP: values of a trend, and keeping, removing and
 * acknowledging. `ApiRequests` calls it. Changes the records of `Trends`.
 */
import { MirrorflowError } from '../../../protocol/base/errors.js';
import {
  isAlarmRule,
  isTrend,
  isTrendName,
  PEAK_TRENDS_MAX,
  TREND_NAME_CHARACTERS_MAX,
  TREND_SPANS_S,
  trendOf,
  type TrendHistory,
} from '../../wire/trends.js';
import { checkedApp, parsedBody, type RequestWords } from '../request-words.js';
import type { Applications, MaySee } from '../applications.js';

const WORDS = ['app', 'trend', 'span'];
const LONGEST_SPAN_S = TREND_SPANS_S[TREND_SPANS_S.length - 1] ?? 0;
const NAME_RULE = `1 to ${TREND_NAME_CHARACTERS_MAX} characters of one line`;

/** The values of one trend within the last `span` seconds. */
export async function answerTrend(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
): Promise<TrendHistory> {
  for (const word of words.keys()) {
    if (!WORDS.includes(word)) throw badOption(`${word} is unknown; known are ${WORDS.join(', ')}`);
  }
  const app = await checkedApp(applications, maySee, words.get('app') ?? '');
  const span = Number(words.get('span') ?? TREND_SPANS_S[0]);
  if (!(span >= 1 && span <= LONGEST_SPAN_S)) {
    throw badOption(`span is ${words.get('span')}; it must be seconds from 1 to ${LONGEST_SPAN_S}`);
  }
  const { trends } = applications;
  const name = words.get('trend') ?? '';
  const ofApp = trends.of(app);
  if (ofApp === undefined) throw badOption(`${app} has no trend ${JSON.stringify(name)}`);
  return ofApp.history(name, span, trends.nowMs);
}

/**
 * Keeps the trend in `body`, an object of `app`, `name` and `trend`, or removes it where `trend` is
 * null. Throws BAD_OPTION, UNKNOWN_APPLICATION, and what the store throws.
 */
export async function setTrend(applications: Applications, maySee: MaySee, body: string): Promise<object> {
  const { app, name, trend } = parsedBody(body, 'a trend');
  const checked = await checkedNames(applications, maySee, app, name, 'a trend');
  const { trends, alarms } = applications.trends.records;
  if (trend === null) {
    const user = Object.entries(alarms.of(checked.app)).find(
      ([, { condition }]) => trendOf(condition) === checked.name,
    );
    if (user !== undefined) {
      throw badOption(`the alarm ${user[0]} reads the trend ${checked.name}; remove the alarm first`);
    }
    trends.set(checked.app, checked.name, undefined);
    return { trend: null };
  }
  if (!isTrend(trend))
    throw badOption('a trend has a source and at most four thresholds: see docs/alarms.md');
  const peaks = Object.entries(trends.of(checked.app)).filter(
    ([other, { source }]) => source.kind === 'peak' && other !== checked.name,
  );
  if (trend.source.kind === 'peak' && peaks.length >= PEAK_TRENDS_MAX) {
    throw new MirrorflowError(
      'LIMIT_REACHED',
      `${checked.app} has ${peaks.length} trends of peaks; at most ${PEAK_TRENDS_MAX} are fitted, remove one first`,
    );
  }
  trends.set(checked.app, checked.name, trend);
  return { trend };
}

/** As `setTrend`, with `rule` for `trend`. */
export async function setAlarm(applications: Applications, maySee: MaySee, body: string): Promise<object> {
  const { app, name, rule } = parsedBody(body, 'an alarm');
  const checked = await checkedNames(applications, maySee, app, name, 'an alarm');
  const { trends, alarms } = applications.trends.records;
  if (rule === null) {
    alarms.set(checked.app, checked.name, undefined);
    return { rule: null };
  }
  if (!isAlarmRule(rule)) throw badOption('an alarm has a condition and two times: see docs/alarms.md');
  const trend = trendOf(rule.condition);
  const source = trend === undefined ? undefined : trends.of(checked.app)[trend]?.source;
  if (trend !== undefined && source === undefined) throw badOption(`${checked.app} has no trend ${trend}`);
  if (rule.condition.kind === 'moved' && source?.kind !== 'peak') {
    throw badOption(`${trend} is not the trend of a peak, so it has no error to compare a movement with`);
  }
  alarms.set(checked.app, checked.name, rule);
  return { rule };
}

/** Acknowledges the alarm in `body`, an object of `app`, `name` and `by`, a person's name. */
export async function acknowledgeAlarm(
  applications: Applications,
  maySee: MaySee,
  body: string,
): Promise<object> {
  const { app, name, by } = parsedBody(body, 'an acknowledgement');
  const checked = await checkedNames(applications, maySee, app, name, 'an acknowledgement');
  if (!isTrendName(by)) throw badOption(`an acknowledgement has the name of a person, ${NAME_RULE}, in by`);
  const { trends } = applications;
  if (trends.of(checked.app) === undefined) throw badOption(`${checked.app} has no alarm ${checked.name}`);
  trends.acknowledge(checked.app, checked.name, by);
  return { acknowledged: by };
}

async function checkedNames(
  applications: Applications,
  maySee: MaySee,
  app: unknown,
  name: unknown,
  what: string,
): Promise<{ app: string; name: string }> {
  if (typeof app !== 'string' || !isTrendName(name)) {
    throw badOption(`${what} names its app, and has a name of ${NAME_RULE}`);
  }
  return { app: await checkedApp(applications, maySee, app), name };
}

function badOption(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
