/**
 * A consumer's attachment to a flow: the mapped flow file, the signal link that its duplicator has
 * admitted it to, and a reader that stands at the first buffer it is to read. Used by the flow
 * thread and by inline flows. Maps the file read-only and opens the link's socket.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { openFlowFile } from '../../protocol/flow/flow-file/open.js';
import { RingReader, type ReadStart } from '../../protocol/flow/flow-file/ring-reader.js';
import { sharesProcessIds } from '../../protocol/base/owner-identity.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packAck, packClient, type Delivery } from '../../protocol/flow/signal-link/messages.js';
import type { MessageHandler } from '../../protocol/flow/signal-link/framing.js';
import { chooseLink } from '../link/link-choice.js';
import { Handshake, type JoinedLink, type SequencePoint } from '../link/handshake.js';

export type AttachTarget = Pick<OpenedFlow, 'handle' | 'file' | 'link' | 'datagrams'>;

export interface AttachOptions {
  readonly delivery: Delivery;
  readonly start: ReadStart | SequencePoint;
  /** Undefined: datagrams where the flow has them and this thread can use them. */
  readonly signal?: LinkSignal | undefined;
}

export class ConsumerLink {
  readonly file: FlowFile;
  readonly reader: RingReader;
  /** Buffers that were requested and are no longer in the ring. */
  readonly missedAtStart: number;
  /** Buffers that this consumer has missed over all its attachments, for acknowledgements. */
  missed: number;
  readonly #joined: JoinedLink;

  /** `requested`: the sequence that was asked for, in the epoch of `joined`. */
  constructor(file: FlowFile, joined: JoinedLink, requested: number | undefined) {
    this.file = file;
    this.#joined = joined;
    this.reader = new RingReader(file, joined.first);
    this.missedAtStart = requested === undefined ? 0 : Math.max(0, this.reader.next - requested);
    this.missed = this.missedAtStart;
  }

  /**
   * One handler, for PUBLISHED, STATUS, DELIVERY and kinds of newer duplicators. What came before
   * it was set is not repeated: read the file first.
   */
  onSignal(handler: MessageHandler): void {
    this.#joined.connection.onMessage(handler);
  }

  /** One handler, called once, also when the link has ended before it was set. */
  onEnd(handler: (end: LinkEnd) => void): void {
    this.#joined.onEnd(handler);
  }

  /**
   * Buffers below `sequence` are not needed any more. `waits`: everything was read, the duplicator
   * is to signal the next buffer; otherwise this consumer reads on without a signal.
   */
  acknowledge(sequence: number, waits: boolean): void {
    this.#joined.connection.signal(MessageKind.ACK, sequence, packAck(waits, this.missed));
  }

  /** No signals are sent until `resume`. */
  pause(): void {
    this.#joined.connection.signal(MessageKind.PAUSE, this.reader.next);
  }

  resume(): void {
    this.#joined.connection.signal(MessageKind.RESUME, this.reader.next);
  }

  close(): void {
    this.#joined.connection.close();
  }
}

/**
 * Opens the flow file and joins the link. Throws CLOSED when the file is not that of the duplicator
 * that answered, and what `chooseLink`, `openFlowFile` and `Handshake.join` throw; nothing stays
 * open then.
 */
export async function attachConsumer(
  target: AttachTarget,
  { delivery, start, signal }: AttachOptions,
  clock: Clock = systemClock,
): Promise<ConsumerLink> {
  const { path, transport } = chooseLink(target, signal, clock);
  const handshake = new Handshake(path, clock, transport);
  let file: FlowFile;
  let point: SequencePoint | undefined;
  try {
    file = openFlowFile(target.file, 'read');
    point = startPoint(file, start);
  } catch (error) {
    handshake.abandon();
    throw error;
  }
  const joined = await handshake.join({
    client: packClient(target.handle, sharesProcessIds(file.owner) ? process.pid : 0),
    hello: {
      role: 'consumer',
      delivery,
      start: point !== undefined ? 'sequence' : start === 'next' ? 'latest' : 'oldest',
    },
    ...(point === undefined ? {} : { start: point }),
  });
  if (file.epoch !== joined.epoch) {
    joined.connection.destroy();
    const message = `the duplicator of ${target.file} was replaced while a consumer attached: open the flow again`;
    throw new MirrorflowError('CLOSED', message);
  }
  // A sequence of another epoch does not count what was missed in this one.
  const isSameEpoch = point !== undefined && (point.epoch === 0 || point.epoch === joined.epoch);
  const requested = isSameEpoch && start !== 'newest' ? point?.sequence : undefined;
  return new ConsumerLink(file, joined, requested);
}

/** The sequence to begin at, where the start is one; the duplicator finds `oldest` and `next`. */
function startPoint(file: FlowFile, start: ReadStart | SequencePoint): SequencePoint | undefined {
  if (start === 'oldest' || start === 'next') return undefined;
  if (start === 'newest') return { sequence: new RingReader(file, 'newest').next, epoch: 0 };
  return typeof start === 'number' ? { sequence: start, epoch: 0 } : start;
}
