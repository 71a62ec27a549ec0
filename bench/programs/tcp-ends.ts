/**
 * One end of a flow whose duplicators `duplicator-pair.ts` started, for the benchmark `tcp`:
 * provides as fast as the ring allows, or consumes everything. Attaches to the flow file without an
 * app server.
 */
// Attaches without an app server, which the public surface of the library does not offer.
// oxlint-disable-next-line no-restricted-imports
import { openInputFlow } from '../../client-lib/input/input-flow.js';
// oxlint-disable-next-line no-restricted-imports
import { attachOutputFlow } from '../../client-lib/output/output-flow.js';
import { readSettings, nextTurn, serveRequests } from './control-channel.js';
import { Tally } from './sample.js';

export interface TcpEndSettings {
  readonly role: 'provide' | 'consume';
  readonly file: string;
  readonly link: string;
  readonly size: number;
  readonly buffers: number;
}

/** Bytes between two turns of the event loop. */
const TURN_BYTES = 32 * 2 ** 20;

const { role, file, link, size, buffers } = readSettings<TcpEndSettings>();
const opened = { handle: 1, flow: 'bench', type: 'bytes', file, link };
const tally = new Tally();
const perTurn = Math.max(1, Math.floor(TURN_BYTES / size));
if (role === 'provide') await provide();
else await consume();

/** Payloads are not filled, as in a program that computes in place. */
async function provide(): Promise<void> {
  const output = await attachOutputFlow(opened, { bufferSize: size, buffers });
  serveRequests({ sample: () => tally.sample() });
  for (;;) {
    for (let count = 0; count < perTurn; count += 1) {
      const slot = output.reserveNow() ?? (await output.reserve());
      slot.commit(size);
      tally.buffers += 1;
    }
    tally.bytes = tally.buffers * size;
    await nextTurn();
  }
}

async function consume(): Promise<void> {
  const input = await openInputFlow(opened, { inline: true, delivery: 'lossless' }, 'end');
  serveRequests({ sample: () => ({ ...tally.sample(), lost: input.lost }) });
  const use = ({ size }: { readonly size: number }): void => {
    tally.buffers += 1;
    tally.bytes += size;
  };
  while (!input.ended) {
    if (input.poll(use, perTurn) > 0) await nextTurn();
    else {
      const buffer = await input.take();
      if (buffer !== undefined) use(buffer);
    }
  }
}
