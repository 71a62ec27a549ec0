/**
 * Receives the buffers of `latency-sender` and keeps how old each was; answers with the quantiles.
 */
import { connect as connectSocket } from 'node:net';
import { connect } from 'mirrorflow';
import { quantile } from '../report.js';
import { answerQuestions, settingsOf, turn } from './answering.js';
import type { LatencySettings } from './latency-sender.js';
import { ageUs } from './stamp.js';

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const AGES_MAX = 2_000_000;
/** The longest that an inline flow can spin; then the event loop turns. */
const SPIN_US = 100_000;

const settings = settingsOf<LatencySettings>();
let ages: number[] = [];
const use = (payload: Uint8Array): void => {
  if (ages.length < AGES_MAX) ages.push(ageUs(payload));
};
const transports = { flow, sockets, zeromq } as const;
await transports[settings.transport]();

function ready(): void {
  answerQuestions({
    begin: () => {
      ages = [];
    },
    latencies: (): Latencies => ({
      count: ages.length,
      p50: quantile(ages, 0.5),
      p99: quantile(ages, 0.99),
      p999: quantile(ages, 0.999),
    }),
  });
}

async function flow(): Promise<void> {
  const client = await connect({ app: settings.app, name: 'receiver' });
  const spinning = settings.way === 'spinning';
  const inline = settings.way !== 'flow thread';
  const input = await client.openInput(settings.flow, { inline, ...(spinning ? { spinUs: SPIN_US } : {}) });
  ready();
  while (!input.ended) {
    const buffer = spinning ? input.takeSync(SPIN_US / 1000) : await input.take();
    if (buffer !== undefined) use(buffer.bytes);
    if (spinning) await turn();
  }
}

async function sockets(): Promise<void> {
  const { path, size } = settings;
  const payload = Buffer.alloc(size);
  let filled = 0;
  connectSocket({
    path,
    onread: {
      buffer: () => payload.subarray(filled),
      callback: (bytes) => {
        filled += bytes;
        if (filled === size) {
          filled = 0;
          use(payload);
        }
        return true;
      },
    },
  });
  ready();
}

async function zeromq(): Promise<void> {
  const { Subscriber } = await import('zeromq');
  const subscriber = new Subscriber({ receiveHighWaterMark: settings.buffers, linger: 0 });
  subscriber.subscribe();
  subscriber.connect(`ipc://${settings.path}`);
  ready();
  for await (const [message] of subscriber) if (message !== undefined) use(message);
}
