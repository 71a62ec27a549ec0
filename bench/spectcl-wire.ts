/**
 * Bytes that a mirror of which little changes takes from host to host, beside those that SpecTcl's
 * protocol takes for the same publications: what one duplicator has sent and received.
 */
import { connect, type Client } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { repetitions, wanted, type BenchSettings } from './settings.js';
import { startSimulatorProcess } from './system.js';
import { startTwoHosts } from './two-hosts.js';

const TITLE = '8 MiB, 5 % of blocks change: sent to another host per publication';
const SIMULATOR = ['--memory', '8', '--spectra', '400', '--sparse', '5', '--no-checksum'];
const APP = 'bench';
const REPETITIONS = 3;
/** Publications between two looks at the counters, and before the first. */
const PUBLICATIONS = 30;
const PUBLICATIONS_BEFORE = 5;
const PUBLICATION_MS_MAX = 10_000;
const KIB = 1024;

interface Bytes {
  readonly published: number;
  readonly sent: number;
  readonly received: number;
}

export async function bytesBetweenHosts(settings: BenchSettings): Promise<Row[]> {
  if (!wanted(settings, TITLE)) return [];
  const simulator = await startSimulatorProcess(SIMULATOR);
  const { a, b, together, stop } = await startTwoHosts();
  try {
    await a.host.run({ name: APP, source: simulator.address });
    await together(APP);
    await b.host.run({ name: APP, via: 'a' });
    const there = await connect({ app: APP, name: 'there', directory: b.directory });
    await there.getMemory();
    const here = await connect({ app: APP, name: 'here', directory: a.directory });
    const sent: number[] = [];
    const received: number[] = [];
    let before = await afterPublications(here, there, PUBLICATIONS_BEFORE);
    for (let repetition = 0; repetition < repetitions(settings, REPETITIONS); repetition += 1) {
      const after = await afterPublications(here, there, PUBLICATIONS);
      const published = (after.published - before.published) * KIB;
      sent.push((after.sent - before.sent) / published);
      received.push((after.received - before.received) / published);
      before = after;
    }
    await Promise.all([here.close(), there.close()]);
    return [row('spectcl', TITLE, 'KiB', sent, { name: "SpecTcl's protocol", values: received })];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/**
 * The counters of the sending duplicator when the other host has taken over so many publications
 * more.
 */
async function afterPublications(here: Client, there: Client, count: number): Promise<Bytes> {
  const input = await there.openInput('spectra', { inline: true, delivery: 'lossy', start: 'next' });
  for (let taken = 0; taken < count; taken += 1) {
    const buffer = await input.take({ timeoutMs: PUBLICATION_MS_MAX });
    if (buffer === undefined) throw new Error(`no publication in ${PUBLICATION_MS_MAX} ms`);
    buffer.release();
  }
  const { published = 0, sentBytes = 0, receivedBytes = 0 } = await here.statistics('spectra');
  await input.close();
  return { published, sent: sentBytes, received: receivedBytes };
}
