/**
 * The one way by which a page changes SpecTcl: checks the request, asks whether the application
 * allows changes, sends one request to SpecTcl and reports the outcome to `onChange`.
 * `ChangeRequests` calls it for `POST /api/change` of a page of its own that has signed in. Opens
 * HTTP connections.
 */
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { LogFields } from '../../protocol/base/log.js';
import { connectSpecTclRest } from '../../protocol/spectcl/rest-connection.js';
import { changeQuery, changeText, parseChange, type SpecTclChange } from '../wire/changes.js';
import { parsedBody } from './request-words.js';
import type { ChangeTarget } from './change-target.js';

export interface ChangeDependencies {
  /**
   * Throws UNKNOWN_APPLICATION, and NOT_PERMITTED where the viewer has no right `control` for it.
   */
  readonly target: (app: string) => Promise<ChangeTarget>;
  /** Asks SpecTcl for its lists again, so that all pages see the change. */
  readonly refreshLists: (app: string) => void;
  /** Called once for each change that was sent or refused. */
  readonly onChange: (record: ChangeRecord) => void;
}

/** The browser or program that asked. */
export interface Changer {
  /** The kind of session that asked, such as `page`. */
  readonly who: string;
  /** IP address of the other end of its connection. */
  readonly address: string;
}

export interface ChangeRecord extends Changer {
  readonly app: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly request: SpecTclChange;
  readonly outcome: { readonly done: true } | { readonly done: false; readonly reason: string };
}

/**
 * Longest wait for an answer: SpecTcl answers in the thread that sorts events, so it may be slow.
 */
const REQUEST_TIMEOUT_MS = 10_000;

export class SpecTclChanges {
  readonly #dependencies: ChangeDependencies;

  constructor(dependencies: ChangeDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Carries out the change in `body`, an object of `app` and `change`. Throws BAD_OPTION,
   * NOT_PERMITTED, SOURCE_REFUSED with SpecTcl's words in `facts.status` and `facts.detail`,
   * SOURCE_UNREACHABLE and what `target` throws.
   */
  async answer(changer: Changer, body: string): Promise<object> {
    const { app, change } = parsedBody(body, 'a change');
    const request = parseChange(change);
    if (typeof app !== 'string' || request === undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        'the change is not valid: it has the app, and as change a request of SpecTcl with its fields',
      );
    }
    try {
      await this.#send(app, request);
    } catch (error) {
      this.#report(changer, app, request, { done: false, reason: reasonOf(error) });
      throw error;
    }
    this.#report(changer, app, request, { done: true });
    this.#dependencies.refreshLists(app);
    return { changed: true };
  }

  async #send(app: string, request: SpecTclChange): Promise<void> {
    const { source, allowChanges } = await this.#dependencies.target(app);
    if (!allowChanges) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        `application ${app} does not allow changes of its SpecTcl: set allowChanges of the application or its gateway`,
        { app },
      );
    }
    if (source?.startsWith('spectcl:') !== true) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        `application ${app} has no SpecTcl on this host; use the viewer of the host that mirrors it`,
        { app },
      );
    }
    const rest = await connectSpecTclRest(source, REQUEST_TIMEOUT_MS);
    try {
      await rest.change(request.request, changeQuery(request));
    } finally {
      rest.close();
    }
  }

  #report(changer: Changer, app: string, request: SpecTclChange, outcome: ChangeRecord['outcome']): void {
    this.#dependencies.onChange({ ...changer, app, time: Date.now(), request, outcome });
  }
}

/** SpecTcl's own words where it has refused. */
function reasonOf(error: unknown): string {
  if (!isMirrorflowError(error, 'SOURCE_REFUSED')) return describeError(error);
  const { status, detail } = error.facts;
  return detail === undefined ? String(status) : `${String(status)}: ${String(detail)}`;
}

/** A record of a change as fields of a log line. */
export function changeFields({ who, address, app, request, outcome }: ChangeRecord): LogFields {
  return {
    who,
    from: address,
    application: app,
    change: changeText(request),
    outcome: outcome.done ? 'done' : outcome.reason,
  };
}
