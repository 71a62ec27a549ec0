/**
 * An attachment of an inline flow: also the owner of the buffers that are borrowed from its file,
 * and a look ahead at the newest ones. Used by InlineEngine. Reads the mapped file.
 */
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import { ConsumerAttachment, type AttachmentListener } from './consumer-attachment.js';
import type { ConsumerLink } from './consumer-link.js';
import { FlowBuffer, type BufferOwner } from './flow-buffer.js';
import type { ReadingPosition } from './reading-position.js';

export class InlineAttachment extends ConsumerAttachment {
  /** A borrowed buffer stays in the file that it came from. */
  readonly owner: BufferOwner;
  /** Reads ahead for `newest`. */
  #scout: RingReader | undefined;

  constructor(link: ConsumerLink, position: ReadingPosition, listener: AttachmentListener, paused: boolean) {
    super(link, listener, paused);
    const { file } = link;
    this.owner = {
      release: (_sequence, buffer) => position.release(buffer),
      stillValid: (sequence, buffer) => file.epoch === buffer.epoch && file.holds(sequence),
    };
  }

  /** Something that was not read yet, or a new epoch, is in the ring. */
  get hasNew(): boolean {
    const { reader } = this;
    const { file } = this.link;
    return file.published > reader.next || file.epoch !== reader.epoch;
  }

  /** The newest buffers that are not read yet, oldest first, up to `count`. */
  newest(count: number): FlowBuffer[] {
    const { file } = this.link;
    const buffers: FlowBuffer[] = [];
    const { published } = file;
    const first = Math.max(this.reader.next, published - count, 0);
    if (first >= published) return buffers;
    this.#scout ??= new RingReader(file, 'next');
    const scout = this.#scout;
    scout.enterEpoch(first);
    while (buffers.length < count && scout.peek() === 'ready') {
      const { sequence, epoch, timestampNs, flags } = scout;
      buffers.push(new FlowBuffer(this.owner, sequence, scout.view(), sequence, epoch, timestampNs, flags));
      scout.advance();
    }
    return buffers;
  }
}
