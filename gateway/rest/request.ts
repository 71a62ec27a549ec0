/** What a request to the REST service asks for: its URL taken apart, within bounds. Pure. */
import { failure, type Answer } from './answer.js';

/** Longest path with its query; the parser's own bound for the whole head is 16 KiB. */
const URL_CHARACTERS_MAX = 8_192;
const PATTERN_CHARACTERS_MAX = 1_024;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

export interface RestRequest {
  /** What stands behind `/spectcl/`. */
  readonly name: string;
  readonly query: URLSearchParams;
}

/** What is asked, or the answer to what cannot be. */
export function readRequest(method: string | undefined, url: string): RestRequest | Answer {
  if (method !== 'GET' && method !== 'HEAD') {
    return failure(405, `SpecTcl's REST service knows GET only, not ${method}`);
  }
  if (url.length > URL_CHARACTERS_MAX) {
    return failure(414, `the request has ${url.length} characters; ${URL_CHARACTERS_MAX} is the most`);
  }
  const [, name, queryText = ''] = /^\/spectcl\/([^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (name === undefined) return failure(404, 'nothing is here; requests begin with /spectcl/');
  if (BROKEN_ESCAPE.test(url)) return failure(400, 'the request holds a % that begins no escape');
  const query = new URLSearchParams(queryText);
  for (const key of ['pattern', 'filter', 'clients']) {
    const { length } = query.get(key) ?? '';
    if (length <= PATTERN_CHARACTERS_MAX) continue;
    return failure(400, `${key} has ${length} characters; ${PATTERN_CHARACTERS_MAX} is the most`);
  }
  return { name, query };
}
