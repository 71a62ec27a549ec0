/**
 * What the gateway's REST service answers: SpecTcl's envelope, with an HTTP status that says
 * whether the answer is SpecTcl's at all.
 */
import { MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';

export interface Answer {
  readonly httpStatus: number;
  readonly body: Uint8Array;
}

/** The ways in which a request is not SpecTcl's to answer. */
const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  BAD_NAME: 400,
  BAD_OPTION: 400,
  NOT_PERMITTED: 403,
  UNKNOWN_FLOW: 404,
  LIMIT_REACHED: 503,
  TIMED_OUT: 504,
  SOURCE_UNREACHABLE: 502,
  SOURCE_PROTOCOL: 502,
  SOURCE_REFUSED: 200,
  CLOSED: 503,
};

/**
 * Lists of thousands of spectra that many ask for are written once, as long as they are the same
 * list.
 */
const written = new WeakMap<object, Answer>();

/**
 * `detail` is left out where it is undefined, as SpecTcl does for requests that answer nothing. It
 * must not change any more.
 */
export function success(detail: unknown): Answer {
  const key = typeof detail === 'object' && detail !== null ? detail : undefined;
  const known = key === undefined ? undefined : written.get(key);
  if (known !== undefined) return known;
  const answer = { httpStatus: 200, body: Buffer.from(JSON.stringify({ status: 'OK', detail })) };
  if (key !== undefined) written.set(key, answer);
  return answer;
}

export function failure(httpStatus: number, status: string): Answer {
  return { httpStatus, body: Buffer.from(JSON.stringify({ status })) };
}

/** The answer to a request that threw. */
export function answerOf(thrown: unknown): Answer {
  if (!(thrown instanceof MirrorflowError)) return failure(500, 'the gateway failed; its log says more');
  const { code, message, facts } = thrown;
  // What SpecTcl itself refused is passed on as it said it.
  const said = code === 'SOURCE_REFUSED' ? facts['status'] : undefined;
  return failure(HTTP_STATUS[code] ?? 502, typeof said === 'string' ? said : message);
}
