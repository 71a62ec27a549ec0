/**
 * Answers the requests that change SpecTcl, and the one that lists who changed it: `/api/change`
 * and `/api/changes`, for senders that have signed in. `ApiRequests` calls it. `SpecTclChanges`
 * makes the change; this keeps its record by `ChangeLog`.
 */
import type { IncomingMessage } from 'node:http';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Applications, ViewedHost } from './applications.js';
import { ChangeLog } from './change-log.js';
import { changeTarget } from './change-target.js';
import { readBody } from './http.js';
import type { RequestAccess } from './request-access.js';
import { checkedApp, type RequestWords } from './request-words.js';
import { changeFields, SpecTclChanges, type ChangeRecord } from './spectcl-changes.js';

/** Largest body of a change: a gate with all its points. */
const CHANGE_BODY_BYTES_MAX = 128 * 1024;

export class ChangeRequests {
  readonly #access: RequestAccess;
  readonly #applications: Applications;
  readonly #changes: SpecTclChanges;
  readonly #log: ChangeLog;
  /** Settles when all changes so far are recorded; never rejects. */
  #recorded: Promise<void> = Promise.resolve();

  constructor(access: RequestAccess, applications: Applications, host: ViewedHost, log: Logger) {
    const { directory, stateDirectory } = host;
    this.#access = access;
    this.#applications = applications;
    this.#log = new ChangeLog(stateDirectory, log);
    this.#changes = new SpecTclChanges({
      target: (app) => changeTarget(app, directory),
      refreshLists: (app) => applications.refreshMetadata(app),
      onChange: (record) => {
        log.info('a change of SpecTcl', changeFields(record));
        this.#recorded = this.#recorded.then(() => this.#record(record));
      },
    });
  }

  /** A change, always by a browser or program that has signed in. */
  async change(request: IncomingMessage): Promise<object> {
    if (!this.#access.signedIn(request)) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        this.#access.hasSecret
          ? 'sign in to change SpecTcl'
          : 'this viewer has no secret, so that no page may change SpecTcl: give --secret-file',
      );
    }
    const body = await readBody(request, CHANGE_BODY_BYTES_MAX);
    if (body === undefined) throw new MirrorflowError('TOO_LARGE', 'the change is too long');
    const who = request.headers.cookie === undefined ? 'program' : 'page';
    return this.#changes.answer({ who, address: request.socket.remoteAddress ?? '' }, body);
  }

  /** The record names addresses, so that only those see it who may change something. */
  async list(request: IncomingMessage, words: RequestWords): Promise<object> {
    if (!this.#access.signedIn(request)) {
      throw new MirrorflowError('NOT_PERMITTED', 'sign in to see who changed SpecTcl');
    }
    const app = await checkedApp(this.#applications, this.#access.maySee(request), words.get('app') ?? '');
    await this.#recorded;
    return { changes: this.#log.recent(app) };
  }

  /** Resolves when all changes so far are recorded. */
  close(): Promise<void> {
    return this.#recorded;
  }

  /** A name that is no application gets no file. */
  async #record(record: ChangeRecord): Promise<void> {
    if (await this.#applications.knows(record.app, () => true)) this.#log.append(record);
  }
}
