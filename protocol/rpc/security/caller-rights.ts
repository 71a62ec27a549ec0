/**
 * Which right a caller of a server has: by the socket that it has connected to, by the token that
 * it sends over HTTP, or as a child process that has proved the token for children. Host servers
 * and app servers have one each. Creates and reads the token files.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { MirrorflowError } from '../../base/errors.js';
import type { TokenPath } from '../../base/paths.js';
import { USER_RIGHTS, type Right, type UserRight } from '../../base/rights.js';
import { ensureToken } from './token-file.js';

/** Where a call comes from, as far as it concerns rights. */
export interface RightOfOrigin {
  /** The permanent connection that carried the call; undefined over HTTP. */
  readonly session: object | undefined;
  /** The right of its socket or of its token. */
  readonly right: Right;
}

export class CallerRights {
  /** SHA-256 of the tokens: compared in a time that does not depend on equal characters. */
  readonly #digests = new Map<Right, Buffer>();
  readonly #children = new WeakSet<object>();

  /**
   * Creates the tokens of these rights, or reads those that exist, and gives their files the access
   * that `grant` applies. Throws NO_SPACE, NOT_PERMITTED or SYSTEM_ERROR.
   */
  prepare(
    rights: readonly UserRight[],
    pathOf: (right: Right) => TokenPath,
    grant: (path: string, right: UserRight, inherited: boolean) => void,
  ): void {
    for (const right of rights) {
      const token = ensureToken(pathOf(right), (path, inherited) => grant(path, right, inherited));
      this.#digests.set(right, digest(token));
    }
    // Only the owner may read this one, as it was created.
    this.#digests.set('child', digest(ensureToken(pathOf('child'), () => undefined)));
  }

  /** The right of a token sent over HTTP; undefined for any other text. */
  ofToken(token: string): UserRight | undefined {
    const sent = digest(token);
    return USER_RIGHTS.find((right) => this.#matches(sent, right));
  }

  /** See child.prove. Throws REFUSED over HTTP, NOT_PERMITTED for a wrong token. */
  proveChild(token: string, { session }: RightOfOrigin): true {
    if (session === undefined) {
      throw new MirrorflowError('REFUSED', 'child.prove is for permanent connections only');
    }
    if (!this.#matches(digest(token), 'child')) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        'the token is not the one of the file for children; read it again',
      );
    }
    this.#children.add(session);
    return true;
  }

  /** The right of a caller, for the dispatcher. */
  readonly of = ({ session, right }: RightOfOrigin): Right =>
    session !== undefined && this.#children.has(session) ? 'child' : right;

  #matches(sent: Buffer, right: Right): boolean {
    const known = this.#digests.get(right);
    return known !== undefined && timingSafeEqual(known, sent);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
