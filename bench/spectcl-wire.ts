/**
 * Bytes that a mirror with few changes sends from host to host, beside the bytes that SpecTcl's own
 * protocol transfers for the same publications. A row of the benchmark `spectcl`; starts two hosts
 * and reads the byte counters of the sending duplicator.
 */
import { connect, type Client } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { repetitionCount, isSelected, type BenchSettings } from './settings.js';
import { startSimulatorProcess } from './system.js';
import { startTwoHosts } from './two-hosts.js';

const TITLE = '8 MiB, 5 % of blocks change: sent to another host per publication';
const SIMULATOR = ['--memory', '8', '--spectra', '400', '--sparse', '5', '--no-checksum'];
const APP = 'bench';
const REPETITIONS = 3;
/** Publications of each repetition. */
const PUBLICATIONS = 30;
const WARM_UP_PUBLICATIONS = 5;
const PUBLICATION_TIMEOUT_MS = 10_000;
const KIB = 1024;

interface SenderCounters {
  readonly published: number;
  readonly sent: number;
  readonly received: number;
}

export async function measureBytesBetweenHosts(settings: BenchSettings): Promise<Row[]> {
  if (!isSelected(settings, TITLE)) return [];
  const simulator = await startSimulatorProcess(SIMULATOR);
  const { a, b, waitForApplication, stop } = await startTwoHosts();
  try {
    await a.host.run({ name: APP, source: simulator.address });
    await waitForApplication(APP);
    await b.host.run({ name: APP, via: 'a' });
    const receiver = await connect({ app: APP, name: 'there', directory: b.directory });
    await receiver.getMemory();
    const sender = await connect({ app: APP, name: 'here', directory: a.directory });
    const sent: number[] = [];
    const received: number[] = [];
    let before = await countersAfter(sender, receiver, WARM_UP_PUBLICATIONS);
    for (let repetition = 0; repetition < repetitionCount(settings, REPETITIONS); repetition += 1) {
      const after = await countersAfter(sender, receiver, PUBLICATIONS);
      const published = (after.published - before.published) * KIB;
      sent.push((after.sent - before.sent) / published);
      received.push((after.received - before.received) / published);
      before = after;
    }
    await Promise.all([sender.close(), receiver.close()]);
    return [makeRow('spectcl', TITLE, 'KiB', sent, { name: "SpecTcl's protocol", values: received })];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/**
 * The counters of the sending duplicator after the other host has received `count` publications.
 */
async function countersAfter(sender: Client, receiver: Client, count: number): Promise<SenderCounters> {
  const input = await receiver.openInput('spectra', { inline: true, delivery: 'lossy', start: 'next' });
  for (let taken = 0; taken < count; taken += 1) {
    const buffer = await input.take({ timeoutMs: PUBLICATION_TIMEOUT_MS });
    if (buffer === undefined)
      throw new Error(`no publication of the mirror within ${PUBLICATION_TIMEOUT_MS} ms`);
    buffer.release();
  }
  const { published = 0, sentBytes = 0, receivedBytes = 0 } = await sender.statistics('spectra');
  await input.close();
  return { published, sent: sentBytes, received: receivedBytes };
}
