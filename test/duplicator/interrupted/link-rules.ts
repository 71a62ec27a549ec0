/**
 * The messages of the model (test/model/flow.pml) as rules for the messages of real participants:
 * each message on a signal link is assigned to the model's action, and must be one that the model
 * sends in this state of the link and the file, in this order. Used by the world of interrupted
 * flows. Reads the flow file.
 *
 * | action of the model              | message            | allowed when                                      |
 * | -------------------------------- | ------------------ | ------------------------------------------------- |
 * | link = ASKED                     | HELLO              | first on its link                                 |
 * | startAt                          | START              | second, behind a HELLO that announces it          |
 * | link = OPEN                      | WELCOME            | first answer, with the file's epoch               |
 * | beginProvider, beginWaits/beginAt| BEGIN              | behind WELCOME, at most what is published         |
 * | reportCount                      | PUBLISHED of C     | behind BEGIN, what is published, never less       |
 * | ackCount, ackWaits               | ACK                | behind BEGIN, at most what is published, never    |
 * |                                  |                    | less, from BEGIN's sequence on                    |
 * | SIGNAL, signalAll()              | PUBLISHED of D     | behind BEGIN, once for each request, never less   |
 * | sendCredit()                     | CREDIT             | behind BEGIN, a ring beyond what is needed        |
 *
 * REFUSED takes the place of WELCOME, and nothing follows it. STATUS follows BEGIN; the model has
 * no states of a source.
 */
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import {
  AWAKE,
  kindName,
  LAST,
  MessageKind,
  unpackHello,
  type Hello,
} from '../../../protocol/flow/signal-link/messages.js';

/** A message by its sender: C, the client, or D, the duplicator. */
type Sent = `C ${string}` | `D ${string}`;

/** What was sent on one link so far. */
class LinkHistory {
  hello: Hello | undefined;
  started = false;
  welcomed = false;
  refused = false;
  left = false;
  /** BEGIN's sequence. */
  first = -1;
  /** Newest counts of the client and of the duplicator. */
  reported = -1;
  acknowledged = -1;
  signalled = -1;
  /** Requests for a signal that were sent and have no answer yet; admission is one. */
  requests = 1;
}

export class LinkRules {
  /** How often each message was seen. */
  readonly seen = new Map<Sent, number>();
  readonly #links = new Map<object, LinkHistory>();
  readonly #file: () => FlowFile;
  /** The first sequence that a lossless consumer still needs; Infinity without one. */
  readonly #needed: (file: FlowFile) => number;

  constructor(file: () => FlowFile, needed: (file: FlowFile) => number) {
    this.#file = file;
    this.#needed = needed;
  }

  /** To be called before each message of a link. Throws for one that the model does not send. */
  check(link: object, byClient: boolean, kind: MessageKind, value: number, detail: number): void {
    const history = this.#links.get(link) ?? new LinkHistory();
    this.#links.set(link, history);
    const sent: Sent = `${byClient ? 'C' : 'D'} ${kindName(kind)}`;
    this.seen.set(sent, (this.seen.get(sent) ?? 0) + 1);
    const problem = history.refused
      ? 'follows REFUSED'
      : byClient
        ? this.#ofClient(history, kind, value, detail)
        : this.#ofDuplicator(history, kind, value);
    if (problem === undefined) return;
    throw new Error(`the message ${sent} ${value} ${detail} ${problem}, which the model does not allow`);
  }

  /** Why the client may not send it; undefined when it may. */
  #ofClient(link: LinkHistory, kind: MessageKind, value: number, detail: number): string | undefined {
    const { published } = this.#file();
    if (kind === MessageKind.HELLO) {
      const isFirst = link.hello === undefined;
      link.hello = unpackHello(detail);
      return isFirst && link.hello !== undefined ? undefined : 'is no HELLO at the beginning';
    }
    if (kind === MessageKind.START) {
      const mayStart = link.hello?.start === 'sequence' && !link.started && !link.welcomed;
      link.started = true;
      return mayStart ? undefined : 'was not announced by the HELLO before it';
    }
    if (link.first < 0) return 'precedes BEGIN';
    if (kind === MessageKind.ACK) {
      const isInOrder = value >= Math.max(link.first, link.acknowledged) && value <= published;
      link.acknowledged = value;
      if ((detail & AWAKE) === 0) link.requests += 1;
      if (link.hello?.role !== 'consumer') return 'is of no consumer';
      return isInOrder ? undefined : `is beyond ${published}, or less than before`;
    }
    if (kind !== MessageKind.PUBLISHED) return 'is no message of the model';
    const isReport = value === published && value >= link.reported && !link.left;
    link.reported = value;
    link.left = (detail & LAST) !== 0;
    if (link.hello?.role !== 'provider') return 'is of no provider';
    return isReport ? undefined : `reports other than ${published}, or less than before`;
  }

  /** Why the duplicator may not send it; undefined when it may. */
  #ofDuplicator(link: LinkHistory, kind: MessageKind, value: number): string | undefined {
    const file = this.#file();
    const { published, epoch, geometry } = file;
    if (link.hello === undefined) return 'precedes HELLO';
    if (kind === MessageKind.REFUSED) {
      link.refused = true;
      return undefined;
    }
    if (kind === MessageKind.WELCOME) {
      const isFirst = !link.welcomed && value === epoch;
      const isStarted = link.hello.start !== 'sequence' || link.started;
      link.welcomed = true;
      return isFirst && isStarted ? undefined : 'is no first answer, or precedes START';
    }
    if (kind === MessageKind.BEGIN) {
      const isNext = link.welcomed && link.first < 0 && value <= published;
      link.first = value;
      return isNext ? undefined : `does not follow WELCOME, or is beyond ${published}`;
    }
    if (link.first < 0) return 'precedes BEGIN';
    if (kind === MessageKind.STATUS) return undefined;
    if (kind === MessageKind.CREDIT) {
      if (link.hello.role !== 'provider') return 'is for no provider';
      const most = Math.min(this.#needed(file), published) + geometry.slotCount;
      return value <= most ? undefined : `allows more than ${most}`;
    }
    if (kind !== MessageKind.PUBLISHED || link.hello.role !== 'consumer') return 'is no message of the model';
    const isSignal = link.requests > 0 && value <= published && value >= link.signalled && value > link.first;
    link.signalled = value;
    link.requests -= 1;
    return isSignal ? undefined : `was not asked for, is beyond ${published}, or less than before`;
  }
}
