/**
 * Builds the answers of the gateway's REST service: SpecTcl's JSON envelope and an HTTP status.
 *
 * `rest-service.ts` and `request.ts` call it. Status 200 marks an answer as SpecTcl would give it;
 * every other status an error of the gateway. Pure: no I/O.
 */
import { MirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';

export interface Answer {
  readonly httpStatus: number;
  readonly body: Uint8Array;
  /** The header `Content-Encoding`: SpecTcl sends 2-D spectra as a raw deflate stream. */
  readonly contentEncoding?: string | undefined;
}

/** HTTP status of errors; 200 for a refusal of SpecTcl itself. */
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

/** The answer to a successful request. An undefined `detail` is omitted, as SpecTcl does. */
export function success(detail: unknown): Answer {
  return { httpStatus: 200, body: Buffer.from(JSON.stringify({ status: 'OK', detail })) };
}

/**
 * An error of the gateway. It always has a detail, by default its text: CutiePie reads the detail
 * of each answer without a look at the status, and ends a thread that finds none.
 */
export function failure(httpStatus: number, status: string, detail: unknown = status): Answer {
  return { httpStatus, body: Buffer.from(JSON.stringify({ status, detail })) };
}

/**
 * The answer to a request that threw. `isList`: the request is for a list, so that its detail is an
 * empty one.
 */
export function answerOf(thrown: unknown, isList = false): Answer {
  const detail = isList ? [] : undefined;
  if (!(thrown instanceof MirrorflowError)) return failure(500, 'the gateway failed; see its log', detail);
  const { code, message, facts } = thrown;
  const refusal = code === 'SOURCE_REFUSED' ? facts['status'] : undefined;
  if (typeof refusal !== 'string') return failure(HTTP_STATUS[code] ?? 502, message, detail);
  // A refusal of SpecTcl is passed on unchanged.
  return { httpStatus: 200, body: Buffer.from(JSON.stringify({ status: refusal })) };
}
