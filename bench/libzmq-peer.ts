/**
 * The peer `libzmq` of `fanout`: libzmq's own performance programs `local_thr` and `remote_thr`, in
 * the folder of `--libzmq`. They move a number of messages over PUSH and PULL, so that there is one
 * consumer. Spawns both.
 */
import { join } from 'node:path';
import type { FanoutShape } from './fanout-peers.js';
import { LIBZMQ_PROGRAMS, PeerProgram } from './peer-programs.js';
import type { Rates } from './rates.js';

/** The first, short run shows how many messages the measured one needs. */
const TRIAL_MESSAGES_MAX = 100_000;
const TRIAL_BYTES = 64 * 2 ** 20;
/** Their counts are `int`. */
const MESSAGES_MAX = 2 ** 31 - 1;
const ENDS_WITHIN_MS = 60_000;

export async function libzmqRates(
  folder: string,
  { size }: FanoutShape,
  directory: string,
  durationMs: number,
): Promise<Rates> {
  const trial = Math.max(2, Math.min(TRIAL_MESSAGES_MAX, Math.floor(TRIAL_BYTES / size)));
  const expected = await messagesPerSecond(folder, directory, size, trial);
  const messages = Math.min(MESSAGES_MAX, Math.max(trial, Math.round((expected * durationMs) / 1000)));
  const buffersEach = await messagesPerSecond(folder, directory, size, messages);
  return { buffersEach, bytesTogether: buffersEach * size, cpuNsPerBuffer: Number.NaN };
}

async function messagesPerSecond(
  folder: string,
  directory: string,
  size: number,
  messages: number,
): Promise<number> {
  const args = [`ipc://${join(directory, 'libzmq.sock')}`, String(size), String(messages)];
  const receiver = new PeerProgram(join(folder, LIBZMQ_PROGRAMS.receiver), args);
  const sender = new PeerProgram(join(folder, LIBZMQ_PROGRAMS.sender), args);
  try {
    return parseLibzmqThroughput(await receiver.output(ENDS_WITHIN_MS));
  } finally {
    await sender.end('SIGKILL');
  }
}

/** Messages a second in what `local_thr` prints. */
export function parseLibzmqThroughput(output: string): number {
  const [, rate] = /^mean throughput: (\d+(?:\.\d+)?) \[msg\/s\]/m.exec(output) ?? [];
  if (rate === undefined) throw new Error(`local_thr printed no throughput: ${JSON.stringify(output)}`);
  return Number(rate);
}
