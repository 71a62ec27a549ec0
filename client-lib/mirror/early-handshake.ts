/**
 * Joins the signal link of a mirror while the app server is still being asked for the flow: a
 * running mirror's duplicator listens at a known path, so the two answers are waited for at the
 * same time. Used by the client's mirrors. Opens the link's socket.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { Handshake, type JoinedLink } from '../link/handshake.js';

/**
 * Handles that app servers give are below this; a client that joins before it has a handle uses a
 * number from this range.
 */
const FIRST_OWN_NUMBER = 2 ** 30 + 2 ** 29;
const OWN_NUMBERS_END = 2 ** 31;

/** A client's number on all links of one mirror, independent of the app server's handle. */
export function ownLinkNumber(): number {
  return FIRST_OWN_NUMBER + Math.floor(Math.random() * (OWN_NUMBERS_END - FIRST_OWN_NUMBER));
}

/**
 * Joins as an observer, which gets the source's state and no counts. Throws as `Handshake.join`.
 */
export function joinAsObserver(path: string, client: number): Promise<JoinedLink> {
  return new Handshake(path).join({
    client,
    hello: { role: 'observer', delivery: 'lossy', start: 'latest' },
  });
}

/** A handshake that was begun before it is known whether a duplicator listens. */
export class EarlyHandshake {
  readonly #path: string;
  readonly #joining: Promise<JoinedLink>;
  #isSettled = false;

  constructor(path: string, client: number) {
    this.#path = path;
    this.#joining = joinAsObserver(path, client);
    const settle = (): void => {
      this.#isSettled = true;
    };
    this.#joining.then(settle, settle);
  }

  /**
   * The link, if it is open and leads to the duplicator that serves `epoch` at `path`; undefined
   * when another handshake is needed. Throws TIMED_OUT when that very duplicator does not answer,
   * since asking it again would only take as long again.
   */
  async take(path: string, epoch: number): Promise<JoinedLink | undefined> {
    if (path !== this.#path) {
      this.abandon();
      return undefined;
    }
    const wasPending = !this.#isSettled;
    let joined: JoinedLink;
    try {
      joined = await this.#joining;
    } catch (error) {
      if (wasPending && isMirrorflowError(error, 'TIMED_OUT')) throw error;
      return undefined;
    }
    if (joined.connection.closed) return undefined;
    if (joined.epoch === epoch) return joined;
    joined.connection.destroy();
    return undefined;
  }

  abandon(): void {
    void this.#joining.then(
      ({ connection }) => connection.destroy(),
      () => undefined,
    );
  }
}
