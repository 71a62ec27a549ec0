/**
 * Consumes a flow by one of the methods of the library, and counts. Started by `fanout` and
 * `scale`. Reads at least one byte of every buffer, with `copy` all bytes. Attaches to the flow of
 * a real system.
 */
import { connect, type InputFlow } from 'mirrorflow';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { Tally } from './sample.js';

export interface FlowConsumerSettings {
  readonly app: string;
  readonly flow: string;
  /**
   * `poll`: buffers are read in place; `take`: borrowed one by one; `takeAll`: borrowed together. A
   * borrowed buffer is valid until it is released.
   */
  readonly method: 'poll' | 'take' | 'takeAll';
  readonly inline: boolean;
  readonly copy: boolean;
  readonly history?: number;
  readonly spinUs?: number;
  readonly signal?: 'datagram';
  /** Bytes of a buffer. */
  readonly size: number;
}

/** Most buffers and bytes between two turns of the event loop. */
const TURN_BUFFERS = 65_536;
const TURN_BYTES = 64 * 2 ** 20;

const settings = readSettings<FlowConsumerSettings>();
const client = await connect({ app: settings.app, name: 'consumer' });
const input = await client.openInput(settings.flow, {
  inline: settings.inline,
  ...(settings.history === undefined ? {} : { history: settings.history }),
  ...(settings.spinUs === undefined ? {} : { spinUs: settings.spinUs }),
  ...(settings.signal === undefined ? {} : { signal: settings.signal }),
});
const target = new Uint8Array(settings.size);
const tally = new Tally();
let checksum = 0;
serveRequests({ sample: () => ({ ...tally.sample(), checksum, lost: input.lost }) });
const turnBuffers = Math.max(1, Math.min(TURN_BUFFERS, Math.floor(TURN_BYTES / settings.size)));
const methods = { poll: consumeByPoll, take: consumeByTake, takeAll: consumeByTakeAll } as const;
await methods[settings.method](input);
process.exit(0);

function consume({ bytes: view }: { readonly bytes: Uint8Array }): void {
  if (settings.copy) target.set(view);
  checksum = (checksum + (view[0] ?? 0)) | 0;
  tally.buffers += 1;
  tally.bytes += view.length;
}

async function consumeByPoll(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    if (flow.poll(consume, turnBuffers) > 0) await nextTurn();
    else await takeOne(flow);
  }
}

async function consumeByTake(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    await takeOne(flow);
    for (let count = 0; count < turnBuffers; count += 1) {
      const buffer = flow.takeNow();
      if (buffer === undefined) break;
      consume(buffer);
    }
    await nextTurn();
  }
}

async function consumeByTakeAll(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    await takeOne(flow);
    for (const buffer of flow.takeAll(turnBuffers)) consume(buffer);
    await nextTurn();
  }
}

async function takeOne(flow: InputFlow): Promise<void> {
  const buffer = await flow.take();
  if (buffer !== undefined) consume(buffer);
}
