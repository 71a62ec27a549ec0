/**
 * One attachment of a consumer to a duplicator: its place in the ring, and the events of its link,
 * until the attachment is left. A reattachment makes a new one. Used by InlineEngine and by the
 * flow thread's ReadingLoop. Reads the mapped file, receives and closes the link.
 */
import { sourceStateOf, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import type { ConsumerLink } from './consumer-link.js';
import { RingCursor } from './ring-cursor.js';

/** Receives what happens on the link of an attachment. */
export interface AttachmentListener {
  /** The duplicator has answered a request for a signal. */
  readonly signalled: () => void;
  readonly state: (state: SourceState, generation: number) => void;
  /** The duplicator has made this consumer lossy. */
  readonly demoted: () => void;
  /** The link has ended; buffers that are left in the ring can still be read. */
  readonly ended: (end: LinkEnd) => void;
}

export class ConsumerAttachment extends RingCursor {
  /** Why the link has ended; undefined while it is open. */
  end: LinkEnd | undefined;
  #isLeft = false;

  /** `paused`: the program has paused the flow. */
  constructor(link: ConsumerLink, listener: AttachmentListener, paused: boolean) {
    super(link);
    link.onSignal((kind, value, detail) => {
      if (!this.#isLeft) report(listener, kind, value, detail);
    });
    link.onEnd((end) => {
      this.end = end;
      if (!this.#isLeft) listener.ended(end);
    });
    if (paused) link.pause();
  }

  /** Closes the link; nothing is reported from now on. */
  leave(): void {
    this.#isLeft = true;
    this.link.close();
  }
}

function report(listener: AttachmentListener, kind: MessageKind, value: number, detail: number): void {
  if (kind === MessageKind.STATUS) {
    const state = sourceStateOf(detail);
    if (state !== undefined) listener.state(state, value);
  } else if (kind === MessageKind.DELIVERY) {
    listener.demoted();
  } else {
    listener.signalled();
  }
}
