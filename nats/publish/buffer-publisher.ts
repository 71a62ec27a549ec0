/**
 * Publishes the buffers of one flow that is no mirror: reads it as a consumer, and continues after
 * a restart behind what was published. Started by FlowPublisher. Reads through the library,
 * publishes through PublishedFlow.
 */
import type { Client, FlowBuffer, InputFlow, InputFlowOptions } from '../../client-lib/index.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import type { WanMode } from '../../protocol/nats/flow-description.js';
import { BufferBatch } from './buffer-batch.js';
import type { PublishedFlow } from './published-flow.js';

/** Memory of the history: what a server that answers slowly for a moment does not lose. */
const HISTORY_BYTES = 64 * 2 ** 20;
const HISTORY_BUFFERS_MIN = 8;
const HISTORY_BUFFERS_MAX = 16_384;

/** A stored flow is held back by copying alone: what a full history has no room for is lost. */
const READING: Readonly<Record<WanMode, Pick<InputFlowOptions, 'delivery' | 'whenFull'>>> = {
  lossless: { delivery: 'lossless', whenFull: 'block' },
  stored: { delivery: 'lossless', whenFull: 'drop' },
  lossy: { delivery: 'lossy', whenFull: 'block' },
};

export interface BufferPublisherOptions {
  readonly client: Client;
  readonly flow: string;
  readonly wan: WanMode;
  readonly published: PublishedFlow;
  /** Keeps the flow open until it is opened here; closed then. */
  readonly opened: InputFlow;
  /** Epoch of the flow file now. */
  readonly epoch: number;
  readonly bufferSize: number;
}

/** Publishes until the signal is aborted, or the flow has ended. */
export async function publishBuffers(options: BufferPublisherOptions, signal: AbortSignal): Promise<void> {
  const { client, flow: name, wan, published, epoch, bufferSize } = options;
  const resumed = await published.resume(epoch);
  const input = await client.openInput(name, {
    start: resumed ?? 'oldest',
    history: historyBuffers(bufferSize),
    ...READING[wan],
  });
  await options.opened.close();
  const close = (): void => void input.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    await copy(input, published, resumed ?? 0, wan, signal);
  } finally {
    signal.removeEventListener('abort', close);
    await input.close();
  }
}

async function copy(
  input: InputFlow,
  published: PublishedFlow,
  resumed: number,
  wan: WanMode,
  signal: AbortSignal,
): Promise<void> {
  const batch = new BufferBatch(published.roomBytes);
  let { epoch } = input;
  // Nothing was published before: what the ring has lost is lost for all.
  let next = resumed;
  published.begin(epoch, next);
  input.on('state', () => published.describe());
  const flush = async (): Promise<void> => {
    if (batch.isEmpty) return;
    const group = batch.take();
    const isNew = group.epoch !== epoch;
    const follows = isNew ? 0 : next;
    epoch = group.epoch;
    next = group.next;
    if (isNew) published.begin(epoch, 0);
    const stored = published.publish('live', group.frames, { epoch, follows, next });
    if (wan === 'lossy') await stored;
    await published.room(signal);
  };
  const add = (buffer: FlowBuffer): boolean => {
    const { generation, flags, sequence, timestampNs, bytes } = buffer;
    const slotFlags = generation * 2 ** GENERATION_SHIFT + flags;
    const one = { epoch: buffer.epoch, sequence, timestampNs, slotFlags, bytes };
    if (!batch.hasRoomFor(one)) return false;
    batch.add(one);
    return true;
  };
  while (!signal.aborted) {
    // A buffer that does not fit into the group stays the first of the next one.
    const buffer = await input.take();
    if (buffer === undefined) return;
    if (!add(buffer)) {
      await flush();
      add(buffer);
    }
    buffer.release();
    while (input.ready > 0 && !signal.aborted) {
      const taken = input.takeNow();
      if (taken === undefined) break;
      if (!add(taken)) {
        await flush();
        add(taken);
      }
      taken.release();
    }
    await flush();
  }
}

function historyBuffers(bufferSize: number): number {
  const fitting = Math.floor(HISTORY_BYTES / Math.max(1, bufferSize));
  return Math.min(HISTORY_BUFFERS_MAX, Math.max(HISTORY_BUFFERS_MIN, fitting));
}
