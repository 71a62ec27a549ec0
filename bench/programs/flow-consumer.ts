/**
 * Consumes a flow in one of the ways a program can, and counts. Of every buffer at least one byte
 * is read; with `copy`, all.
 */
import { connect, type InputFlow } from 'mirrorflow';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { Tally } from './sample.js';

export interface FlowConsumerSettings {
  readonly app: string;
  readonly flow: string;
  /** `poll`: buffers in place; `take`: lent one by one; `takeAll`: lent together. */
  readonly way: 'poll' | 'take' | 'takeAll';
  readonly inline: boolean;
  readonly copy: boolean;
  readonly history?: number;
  readonly spinUs?: number;
  readonly size: number;
}

/** Buffers between two turns of the event loop. */
const TURN_BUFFERS = 65_536;

const settings = settingsOf<FlowConsumerSettings>();
const client = await connect({ app: settings.app, name: 'consumer' });
const input = await client.openInput(settings.flow, {
  inline: settings.inline,
  ...(settings.history === undefined ? {} : { history: settings.history }),
  ...(settings.spinUs === undefined ? {} : { spinUs: settings.spinUs }),
});
const target = new Uint8Array(settings.size);
const tally = new Tally();
let checksum = 0;
answerQuestions({ sample: () => ({ ...tally.sample(), checksum, lost: input.lost }) });
const turnBuffers = Math.max(1, Math.min(TURN_BUFFERS, Math.floor(2 ** 26 / settings.size)));
const ways = { poll: polling, take: taking, takeAll: takingAll } as const;
await ways[settings.way](input);
process.exit(0);

function use({ bytes: view }: { readonly bytes: Uint8Array }): void {
  if (settings.copy) target.set(view);
  checksum = (checksum + (view[0] ?? 0)) | 0;
  tally.buffers += 1;
  tally.bytes += view.length;
}

async function polling(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    if (flow.poll(use, turnBuffers) > 0) await turn();
    else await one(flow);
  }
}

async function taking(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    await one(flow);
    for (let count = 0; count < turnBuffers; count += 1) {
      const buffer = flow.takeNow();
      if (buffer === undefined) break;
      use(buffer);
    }
    await turn();
  }
}

async function takingAll(flow: InputFlow): Promise<void> {
  while (!flow.ended) {
    await one(flow);
    for (const buffer of flow.takeAll(turnBuffers)) use(buffer);
    await turn();
  }
}

async function one(flow: InputFlow): Promise<void> {
  const buffer = await flow.take();
  if (buffer !== undefined) use(buffer);
}
