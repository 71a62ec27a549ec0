/**
 * The requests of trends and alarms to the server: values, and changes. The strip and the dialog
 * use it. Sends requests over HTTP; a notice has the reason of a failure.
 */
import type { TrendHistory } from '../wire/trends.js';
import type { Notices } from './notices.js';

/** Undefined where the server has no such trend, or does not answer. */
export async function loadTrend(
  app: string,
  trend: string,
  spanS: number,
): Promise<TrendHistory | undefined> {
  try {
    const words = new URLSearchParams({ app, trend, span: String(spanS) });
    const answer = await fetch(`/api/trend?${words}`);
    return answer.ok ? ((await answer.json()) as TrendHistory) : undefined;
  } catch {
    return undefined;
  }
}

/** False, with a notice, where the server changes nothing. */
export async function sendChange(
  path: '/api/trend' | '/api/alarm' | '/api/acknowledge',
  body: object,
  notices: Notices,
): Promise<boolean> {
  try {
    const answer = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
    if (answer.ok) return true;
    const { error } = (await answer.json()) as { error: { message: string } };
    notices.show(`Nothing is changed: ${error.message}.`);
  } catch {
    notices.show('Nothing is changed: the server of the web viewer does not answer.');
  }
  return false;
}
