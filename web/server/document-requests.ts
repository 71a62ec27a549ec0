/**
 * Answers the requests for documents and scripts: the page, or the form to sign in, the files that
 * they name, and JSROOT where it is installed. `WebServer` calls it. Writes the response from the
 * files of `Assets` and `JsrootPackage`; starts attaching while the browser loads the page.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Applications } from './applications.js';
import type { Assets } from './assets.js';
import { sendText } from './http.js';
import {
  JSROOT_DOCUMENT_PATH,
  JSROOT_SCRIPT_PATH,
  setJsrootPolicy,
  type JsrootPackage,
} from './jsroot-package.js';
import type { RequestAccess } from './request-access.js';

export class DocumentRequests {
  readonly #access: RequestAccess;
  readonly #applications: Applications;
  readonly #assets: Assets;
  readonly #jsroot: JsrootPackage | undefined;

  constructor(
    access: RequestAccess,
    applications: Applications,
    assets: Assets,
    jsroot: JsrootPackage | undefined,
  ) {
    this.#access = access;
    this.#applications = applications;
    this.#assets = assets;
    this.#jsroot = jsroot;
  }

  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (path === '/') return this.#answerPage(request, response);
    if (path === JSROOT_DOCUMENT_PATH || path === JSROOT_SCRIPT_PATH)
      return this.#answerJsroot(path, request, response);
    this.#serve(path, request, response);
  }

  /** Attaches to the first application while the browser loads the page. */
  #answerPage(request: IncomingMessage, response: ServerResponse): void {
    const mayView = this.#access.mayView(request);
    this.#serve(mayView ? '/' : '/gate.html', request, response);
    if (mayView) this.#applications.attachFirstApplication();
  }

  /** JSROOT or the document that draws with it, for requests that may view. */
  async #answerJsroot(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const jsroot = this.#jsroot;
    if (jsroot === undefined) return sendText(response, 404, 'JSROOT is not installed on this host.');
    if (!this.#access.mayView(request))
      return sendText(response, 401, 'Sign in first, on the page of this viewer.');
    if (path === JSROOT_SCRIPT_PATH) return jsroot.serveScript(request, response);
    setJsrootPolicy(response);
    this.#serve(path, request, response);
  }

  #serve(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (!this.#assets.serve(path, request, response)) sendText(response, 404, 'No such page.');
  }
}
