/**
 * A consumer's attachment to a flow: the mapped flow file, the signal link that was welcomed, and a
 * reader that stands where the duplicator said. The same for the flow thread and for inline flows.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { RingReader, type ReadStart } from '../../protocol/flow/flow-file/ring-reader.js';
import { sharesProcessIds } from '../../protocol/base/owner-identity.js';
import type { LinkConnection, LinkEnd } from '../../protocol/flow/signal-link/link.js';
import {
  kindName,
  MessageKind,
  packClient,
  packHello,
  unpackRefusal,
  type Delivery,
} from '../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';

/** A duplicator that does not welcome a client within this time is given up. */
const WELCOME_TIMEOUT_MS = 5_000;
const LOW_WORD = 0x1_0000_0000;

export type AttachTarget = Pick<OpenedFlow, 'handle' | 'file' | 'link'>;

/** Where to go on after another link: the sequence that is needed next, counted in this epoch. */
export interface ResumePoint {
  readonly epoch: number;
  readonly sequence: number;
}

export interface AttachOptions {
  readonly delivery: Delivery;
  readonly start: ReadStart | ResumePoint;
}

/** PUBLISHED, STATUS, DELIVERY and whatever a newer duplicator may say. */
export type SignalHandler = (kind: MessageKind, value: number, detail: number) => void;

export class ConsumerLink {
  readonly file: FlowFile;
  readonly reader: RingReader;
  /** Buffers that were asked for and are no longer there. */
  readonly missedAtStart: number;
  readonly #opening: Opening;

  constructor(file: FlowFile, opening: Opening, first: number, wanted: number | undefined) {
    this.file = file;
    this.#opening = opening;
    this.reader = new RingReader(file, first);
    this.missedAtStart = wanted === undefined ? 0 : Math.max(0, this.reader.next - wanted);
  }

  /** One handler. What came before it was set is not repeated: look at the file first. */
  onSignal(handler: SignalHandler): void {
    this.#opening.onSignal = handler;
  }

  /** One handler, called once, also when the link has ended before it was set. */
  onEnd(handler: (end: LinkEnd) => void): void {
    this.#opening.onEnd = handler;
    if (this.#opening.end !== undefined) queueMicrotask(() => this.#opening.tellEnd());
  }

  /** `waits`: drained, wants a PUBLISHED for what comes; otherwise it goes on by itself. */
  acknowledge(sequence: number, waits: boolean): void {
    this.#opening.connection.signal(MessageKind.ACK, sequence, waits ? 0 : 1);
  }

  /** Asks for no signals until `resume`. */
  pause(): void {
    this.#opening.connection.signal(MessageKind.PAUSE, this.reader.next);
  }

  resume(): void {
    this.#opening.connection.signal(MessageKind.RESUME, this.reader.next);
  }

  close(): void {
    this.#opening.connection.close();
  }
}

/**
 * Opens the flow file and the link, and says HELLO. Throws what `openFlowFile` and the link throw,
 * the duplicator's refusal with its code, TIMED_OUT and BAD_MESSAGE; nothing stays open then.
 */
export async function attachConsumer(
  target: AttachTarget,
  options: AttachOptions,
  clock: Clock = systemClock,
): Promise<ConsumerLink> {
  const connecting = streamLink(clock).connect(target.link);
  const file = await mappedMeanwhile(target.file, connecting);
  const opening = new Opening(await connecting, target.link);
  const cancel = clock.after(WELCOME_TIMEOUT_MS, () =>
    opening.connection.destroy(
      new MirrorflowError(
        'TIMED_OUT',
        `the duplicator at ${target.link} did not answer in ${WELCOME_TIMEOUT_MS} ms`,
      ),
    ),
  );
  try {
    const { delivery, start } = options;
    const asked = startOf(file, start);
    const kind = asked.point === undefined ? asked.start : 'sequence';
    opening.connection.signal(
      MessageKind.HELLO,
      packClient(target.handle, sharesProcessIds(file.owner) ? process.pid : 0),
      packHello({ role: 'consumer', delivery, start: kind }),
    );
    if (asked.point !== undefined) {
      opening.connection.signal(MessageKind.START, asked.point.sequence, asked.point.epoch % LOW_WORD);
    }
    const { epoch, first } = await opening.welcome;
    // A wish counted in another epoch says nothing about what was missed in this one.
    const sameEpoch = asked.point !== undefined && (asked.point.epoch === 0 || asked.point.epoch === epoch);
    const wanted = sameEpoch && start !== 'newest' ? asked.point?.sequence : undefined;
    return new ConsumerLink(file, opening, first, wanted);
  } finally {
    cancel();
  }
}

/** Maps the flow file while the link is being connected, which is given up when that fails. */
async function mappedMeanwhile(path: string, connecting: Promise<LinkConnection>): Promise<FlowFile> {
  connecting.catch(() => undefined); // awaited when there is a file to read
  try {
    return openFlowFile(path, 'read');
  } catch (error) {
    await connecting.then(
      (connection) => connection.destroy(),
      () => undefined,
    );
    throw error;
  }
}

function startOf(
  file: FlowFile,
  start: ReadStart | ResumePoint,
): { readonly start: 'oldest' | 'latest'; readonly point?: ResumePoint } {
  if (start === 'oldest') return { start: 'oldest' };
  if (start === 'next') return { start: 'latest' };
  if (typeof start === 'number') return { start: 'oldest', point: { sequence: start, epoch: 0 } };
  if (start !== 'newest') return { start: 'oldest', point: start };
  // Of whichever epoch: only who says one comes back to where it was.
  return { start: 'oldest', point: { sequence: new RingReader(file, 'newest').next, epoch: 0 } };
}

/** The messages of one connection: first those of the opening, then those for the reader. */
class Opening {
  readonly connection: LinkConnection;
  readonly welcome: Promise<{ readonly epoch: number; readonly first: number }>;
  onSignal: SignalHandler = () => {};
  onEnd: ((end: LinkEnd) => void) | undefined;
  end: LinkEnd | undefined;
  #told = false;

  constructor(connection: LinkConnection, path: string) {
    this.connection = connection;
    this.welcome = new Promise((resolve, reject) => {
      let epoch: number | undefined;
      let begun = false;
      connection.onMessage((kind, value, detail) => {
        if (begun) {
          this.onSignal(kind, value, detail);
        } else if (kind === MessageKind.WELCOME && epoch === undefined) {
          epoch = value;
        } else if (kind === MessageKind.BEGIN && epoch !== undefined) {
          begun = true;
          resolve({ epoch, first: value });
        } else if (kind === MessageKind.REFUSED) {
          const code = unpackRefusal(detail);
          reject(
            new MirrorflowError(code, `the duplicator at ${path} refused this client: ${code}`, { path }),
          );
          connection.close();
        } else {
          const what = `the duplicator at ${path} said ${kindName(kind)} where WELCOME or BEGIN was due`;
          connection.destroy(new MirrorflowError('BAD_MESSAGE', what, { path }));
        }
      });
      connection.onClose((end) => {
        this.end = end;
        const gone = `the duplicator at ${path} closed the link before it welcomed this client`;
        reject(end.by === 'failure' ? end.error : new MirrorflowError('NOT_RUNNING', gone, { path }));
        this.tellEnd();
      });
    });
    // Whoever attaches awaits it; an end in between must not count as unhandled.
    this.welcome.catch(() => {});
  }

  tellEnd(): void {
    if (this.end === undefined || this.onEnd === undefined || this.#told) return;
    this.#told = true;
    this.onEnd(this.end);
  }
}
