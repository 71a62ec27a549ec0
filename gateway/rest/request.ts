/**
 * Parses the URL of a request to the gateway's REST service and checks its limits.
 *
 * `rest-service.ts` calls it for each request. Pure: no I/O.
 */
import { AMBIGUOUS_CLASS } from '../../protocol/spectcl/glob.js';
import { failure, type Answer } from './answer.js';

/** Limit of path and query; Node's HTTP parser limits the whole head to 16 KiB. */
const URL_CHARACTERS_MAX = 8_192;
const PATTERN_CHARACTERS_MAX = 1_024;
/** Longest pattern whose time grows with the length of names; see glob.ts. */
const AMBIGUOUS_CHARACTERS_MAX = 64;
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

export interface RestRequest {
  /** Path after `/spectcl/`. */
  readonly name: string;
  readonly query: URLSearchParams;
}

/**
 * Makes each run of slashes in the path one, as SpecTcl does: its Tcl client sends
 * `//parameter/list`.
 */
export function foldSlashes(url: string): string {
  const end = url.search(/[?#]/);
  const path = end < 0 ? url : url.slice(0, end);
  return path.replaceAll(/\/{2,}/g, '/') + url.slice(path.length);
}

/** The parsed request, or the answer to a request that is refused. */
export function readRequest(method: string | undefined, url: string): RestRequest | Answer {
  if (method !== 'GET' && method !== 'HEAD') {
    return failure(405, `SpecTcl's REST service has no method ${method}; use GET`);
  }
  if (url.length > URL_CHARACTERS_MAX) {
    return failure(414, `the request has ${url.length} characters; the limit is ${URL_CHARACTERS_MAX}`);
  }
  const [, name, queryText = ''] = /^\/spectcl\/([^?#]*)(?:\?([^#]*))?$/.exec(foldSlashes(url)) ?? [];
  if (name === undefined) return failure(404, 'no such path: requests begin with /spectcl/');
  if (BROKEN_ESCAPE.test(url)) return failure(400, 'the request contains a % without two hexadecimal digits');
  const query = new URLSearchParams(queryText);
  for (const key of ['pattern', 'filter', 'clients']) {
    const pattern = query.get(key) ?? '';
    const isAmbiguous = pattern.includes(AMBIGUOUS_CLASS);
    const limit = isAmbiguous ? AMBIGUOUS_CHARACTERS_MAX : PATTERN_CHARACTERS_MAX;
    if (pattern.length <= limit) continue;
    const what = isAmbiguous ? ` with ${AMBIGUOUS_CLASS}` : '';
    return failure(400, `${key}${what} has ${pattern.length} characters; the limit is ${limit}`);
  }
  return { name, query };
}
