/**
 * A mirror's signal link, as an observer. It is greeted while the app server is asked for the flow:
 * where the mirror runs, its duplicator listens at a known place, and the two answers are waited
 * for at the same time.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, unpackRefusal } from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';

/** A link whose duplicator has welcomed this client. */
export interface Greeted {
  readonly link: LinkConnection;
  /** Of the flow file that the duplicator keeps. */
  readonly epoch: number;
}

/**
 * Handles of app servers begin below this; a client that speaks first says a number that is none.
 */
const FIRST_OWN_NUMBER = 2 ** 30 + 2 ** 29;
const OWN_NUMBERS_END = 2 ** 31;

/**
 * What a client calls itself on the links of one mirror, whatever handle the app server gives it.
 */
export function ownLinkNumber(): number {
  return FIRST_OWN_NUMBER + Math.floor(Math.random() * (OWN_NUMBERS_END - FIRST_OWN_NUMBER));
}

/** A greeting before it is known whether anybody is there. */
export class EarlyGreeting {
  readonly #path: string;
  readonly #greeted: Promise<Greeted | undefined>;

  constructor(path: string, client: number) {
    this.#path = path;
    this.#greeted = greet(path, client).catch(() => undefined);
  }

  /**
   * The link, if it is to the duplicator that serves `epoch` at `path`; otherwise it is given up.
   */
  async of(path: string, epoch: number): Promise<LinkConnection | undefined> {
    if (path !== this.#path) {
      this.giveUp();
      return undefined;
    }
    const greeted = await this.#greeted;
    if (greeted === undefined || greeted.link.closed) return undefined;
    if (greeted.epoch === epoch) return greeted.link;
    greeted.link.destroy();
    return undefined;
  }

  giveUp(): void {
    void this.#greeted.then((greeted) => greeted?.link.destroy());
  }
}

/**
 * Says HELLO and waits for the duplicator's answer. Throws what connecting throws, its refusal, and
 * CLOSED when it ends meanwhile.
 */
export async function greet(path: string, client: number): Promise<Greeted> {
  const link = await streamLink().connect(path);
  try {
    return { link, epoch: await welcome(link, client) };
  } catch (error) {
    link.destroy();
    throw error;
  }
}

function welcome(link: LinkConnection, client: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    link.onMessage((kind, value, detail) => {
      if (kind === MessageKind.WELCOME) resolve(value);
      if (kind === MessageKind.REFUSED) {
        const code = unpackRefusal(detail);
        reject(new MirrorflowError(code, `the duplicator refused this client (${code})`));
      }
    });
    link.onClose((end) => {
      reject(
        end.by === 'failure'
          ? end.error
          : new MirrorflowError('CLOSED', 'the duplicator ended while this client attached'),
      );
    });
    link.signal(
      MessageKind.HELLO,
      client,
      packHello({ role: 'observer', delivery: 'lossy', start: 'latest' }),
    );
  });
}
