/**
 * Answers all requests below `/api/`: checks that the sender may view, or has signed in to keep
 * something, finds the function of the path, and reports errors with their code. `WebServer` calls
 * it. Writes the response; what a path means is in the function that the tables below name.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MirrorflowError, isMirrorflowError, type ErrorCode } from '../../protocol/base/errors.js';
import { answerCalibration, answerFit, answerPeaks, setCalibration } from './analysis-requests.js';
import type { Applications, MaySee } from './applications.js';
import type { ChangeRequests } from './change-requests.js';
import { answerSums } from './count-requests.js';
import { readBody, sendJson, sendText } from './http.js';
import { LAYOUT_BODY_BYTES_MAX, setLayout } from './layout-requests.js';
import { answerRecordedTrend } from './recorded-trend-requests.js';
import type { RequestAccess } from './request-access.js';
import { requestWords, type RequestWords } from './request-words.js';
import { SaveRequests } from './save-requests.js';
import { acknowledgeAlarm, answerTrend, setAlarm, setTrend } from './trends/trend-requests.js';

/** Statuses of errors that a request causes; 500 for the others. */
const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  BAD_OPTION: 400,
  BAD_NAME: 400,
  NOT_PERMITTED: 403,
  TOO_LARGE: 413,
  UNKNOWN_APPLICATION: 404,
  UNKNOWN_SPECTRUM: 404,
  NOT_RUNNING: 409,
  SOURCE_REFUSED: 409,
  SOURCE_UNREACHABLE: 502,
  LIMIT_REACHED: 503,
  TIMED_OUT: 504,
};
/** What answers a GET, by path. */
const READ: Readonly<
  Record<
    string,
    (
      applications: Applications,
      maySee: MaySee,
      words: RequestWords,
      response: ServerResponse,
    ) => Promise<object>
  >
> = {
  '/api/fit': answerFit,
  '/api/peaks': answerPeaks,
  '/api/recorded-trend': answerRecordedTrend,
  '/api/trend': answerTrend,
  '/api/calibration': answerCalibration,
};
/** What keeps the body of a POST, by path. */
const KEPT: Readonly<
  Record<string, (applications: Applications, maySee: MaySee, body: string) => Promise<object>>
> = {
  '/api/calibration': setCalibration,
  '/api/layout': setLayout,
  '/api/trend': setTrend,
  '/api/alarm': setAlarm,
  '/api/acknowledge': acknowledgeAlarm,
};
const CHANGE_PATH = '/api/change';
/** Requests that keep or change something; each is a POST of a page of this server. */
const KEEPING_PATHS = new Set([...Object.keys(KEPT), CHANGE_PATH]);

/** Whether a POST to this path keeps or changes something. */
export function isKeepingPath(path: string): boolean {
  return KEEPING_PATHS.has(path);
}

export class ApiRequests {
  readonly #access: RequestAccess;
  readonly #applications: Applications;
  readonly #changes: ChangeRequests;
  readonly #saves: SaveRequests;

  constructor(access: RequestAccess, applications: Applications, changes: ChangeRequests) {
    this.#access = access;
    this.#applications = applications;
    this.#changes = changes;
    this.#saves = new SaveRequests(applications);
  }

  /** The caller has checked that a POST comes from a page of this server. */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#access.mayView(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return sendJson(response, 401, { error: { code: 'NOT_PERMITTED', message: 'Sign in first.' } });
    }
    try {
      if (path === '/api/save') {
        return await this.#saves.answer(this.#access.maySee(request), request.url ?? '', response);
      }
      const answer = await (request.method === 'POST'
        ? this.#keep(path, request)
        : this.#read(path, request, response));
      if (answer === undefined) return sendText(response, 404, 'No such page.');
      sendJson(response, 200, answer);
    } catch (error) {
      if (!isMirrorflowError(error)) throw error;
      const { code, message, facts } = error;
      sendJson(response, HTTP_STATUS[code] ?? 500, { error: { code, message, facts } });
    }
  }

  /** Undefined for an unknown path. */
  async #read(path: string, request: IncomingMessage, response: ServerResponse): Promise<object | undefined> {
    const maySee = this.#access.maySee(request);
    // Names of spectra may be repeated there, unlike the words of the others.
    if (path === '/api/sums') return answerSums(this.#applications, maySee, request.url ?? '');
    const words = requestWords(request.url ?? '');
    if (path === '/api/changes') return this.#changes.list(request, words);
    return READ[path]?.(this.#applications, maySee, words, response);
  }

  /** Undefined for an unknown path. */
  async #keep(path: string, request: IncomingMessage): Promise<object | undefined> {
    const maySee = this.#access.maySee(request);
    if (path === CHANGE_PATH) return this.#changes.change(request);
    if (this.#access.hasSecret && !this.#access.signedIn(request)) {
      throw new MirrorflowError('NOT_PERMITTED', 'sign in to keep calibrations, layouts, trends and alarms');
    }
    const body = await readBody(request, LAYOUT_BODY_BYTES_MAX);
    if (body === undefined) throw new MirrorflowError('TOO_LARGE', 'the request is too long');
    return KEPT[path]?.(this.#applications, maySee, body);
  }
}
