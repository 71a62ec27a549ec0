/**
 * Answers the requests by which a browser signs in and out, and asks what it may do: `/sign-in`,
 * `/sign-out` and `/session`. `WebServer` calls it after it has checked that a POST comes from a
 * page of its own. Sets the cookie of a session; the sessions are those of `SignIn`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../protocol/base/log.js';
import type { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { readBody, sendJson, sendText } from './http.js';
import type { RequestAccess } from './request-access.js';
import type { SignIn } from './sign-in.js';

export class SignInRequests {
  readonly #signIn: SignIn;
  readonly #access: RequestAccess;
  readonly #log: Logger;
  readonly #refusals: RateLimitedLog;

  constructor(signIn: SignIn, access: RequestAccess, log: Logger, refusals: RateLimitedLog) {
    this.#signIn = signIn;
    this.#access = access;
    this.#log = log;
    this.#refusals = refusals;
  }

  answerSession(request: IncomingMessage, response: ServerResponse): void {
    sendJson(response, 200, {
      mayLook: this.#access.mayView(request),
      signedIn: this.#access.signedIn(request),
      hasSecret: this.#access.hasSecret,
    });
  }

  signOut(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Set-Cookie', this.#signIn.signOut(request.headers.cookie));
    sendJson(response, 200, {});
  }

  /** The body of the request is the secret. */
  async signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const secret = await readBody(request);
    if (secret === undefined) return sendText(response, 413, 'The secret is too long.');
    const from = request.socket.remoteAddress;
    const result = this.#signIn.attempt(secret, from);
    switch (result.kind) {
      case 'accepted':
        response.setHeader('Set-Cookie', this.#signIn.startSession());
        this.#log.info('signed in', { from });
        return sendJson(response, 200, {});
      case 'wrong':
        this.#refusals.warn('signing in failed: wrong secret', { from });
        return sendJson(response, 403, { error: 'That is not the shared secret.' });
      case 'too-many':
        this.#refusals.warn('signing in refused: too many wrong secrets', { from });
        response.setHeader('Retry-After', result.waitS);
        return sendJson(response, 429, { error: `Too many wrong attempts. Try again in ${result.waitS} s.` });
      default:
        return result satisfies never;
    }
  }
}
