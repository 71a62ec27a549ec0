/**
 * Receives the buffers of `latency-sender`, over a flow or one of its peers, records the age of
 * each, and replies with the quantiles. Started by `latency`.
 */
import { connect as connectSocket } from 'node:net';
import { connect } from 'mirrorflow';
import { quantile } from '../report.js';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import type { LatencySettings } from './latency-sender.js';
import { ageUs } from './stamp.js';

/** Quantiles in microseconds. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Bounds the memory; later buffers are not recorded. */
const AGES_MAX = 2_000_000;
/** The longest time that an inline flow can spin before the next turn of the event loop. */
const SPIN_US = 100_000;

const settings = readSettings<LatencySettings>();
let ages: number[] = [];
const recordAge = (payload: Uint8Array): void => {
  if (ages.length < AGES_MAX) ages.push(ageUs(payload));
};
const transports = { flow, sockets, zeromq } as const;
await transports[settings.transport]();

function serve(): void {
  serveRequests({
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
  const spinning = settings.mode === 'spinning';
  const inline = settings.mode !== 'flow thread';
  const input = await client.openInput(settings.flow, {
    inline,
    ...(spinning ? { spinUs: SPIN_US } : {}),
    ...(settings.signal === undefined ? {} : { signal: settings.signal }),
  });
  serve();
  while (!input.ended) {
    const buffer = spinning ? input.takeSync(SPIN_US / 1000) : await input.take();
    if (buffer !== undefined) recordAge(buffer.bytes);
    if (spinning) await nextTurn();
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
          recordAge(payload);
        }
        return true;
      },
    },
  });
  serve();
}

async function zeromq(): Promise<void> {
  const { Subscriber } = await import('zeromq');
  const subscriber = new Subscriber({ receiveHighWaterMark: settings.buffers, linger: 0 });
  subscriber.subscribe();
  subscriber.connect(`ipc://${settings.path}`);
  serve();
  for await (const [message] of subscriber) if (message !== undefined) recordAge(message);
}
