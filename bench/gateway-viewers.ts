/**
 * What viewers of a gateway wait for, each beside the same at the source, in turns in one run:
 * updates of eight viewers at once, updates at a pace, and the requests with which a viewer
 * attaches by key; and the processor time that an update costs the gateway. Attachments are
 * measured twice: only of a private application does the gateway look up the user of each
 * connection. Rows of the benchmark `gateway`, which starts the system. Opens connections; reads
 * /proc.
 */
import { fetchText } from './fetch-text.js';
import { withBusyGateway, type Services } from './gateway-system.js';
import { MirrorClient } from './mirror-client.js';
import { makeRow, quantile, type Row } from './report.js';
import { cpuSeconds, elapsedMs, pause } from './system.js';

const VIEWERS = 8;
const PACE_MS = 20;
/** Rounds in which the viewers update, updates at a pace, and attachments of one repetition. */
const ROUNDS = 25;
const PACED_UPDATES = 60;
const ATTACHMENTS = 30;

interface Figures {
  readonly atOnce: number[];
  readonly paced: number[];
  readonly attachments: number[];
  /** Processor time per update of a viewer, milliseconds; one value per repetition. */
  readonly cpuMs: number[];
}

export async function measureViewers(repetitions: number): Promise<Row[]> {
  const through = noFigures();
  const direct = noFigures();
  await withBusyGateway(async (gateway, source, channelBytes) => {
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      await measure(source, channelBytes, direct);
      await measure(gateway, channelBytes, through);
    }
  });
  const attachments = await measureAttachments(repetitions);
  const row = (name: string, figure: keyof Figures, share: number): Row => {
    const peer = { name: 'at the source', values: [quantile(direct[figure], share)] };
    const made = makeRow('gateway', name, 'ms', through[figure], peer);
    const value = quantile(through[figure], share);
    return { ...made, value, ratio: value / (made.peerValue ?? Number.NaN) };
  };
  return [
    row(`8 MiB: an update of ${VIEWERS} viewers at once`, 'atOnce', 0.5),
    row(`8 MiB: an update of ${VIEWERS} viewers at once, 90 %`, 'atOnce', 0.9),
    row(`8 MiB: CPU per update of ${VIEWERS} viewers at once`, 'cpuMs', 0.5),
    row(`8 MiB: an update every ${PACE_MS} ms`, 'paced', 0.5),
    row('8 MiB: requests of an attachment by key, private', 'attachments', 0.5),
    makeRow('gateway', '8 MiB: requests of an attachment by key', 'ms', attachments.through, {
      name: 'at the source',
      values: attachments.direct,
    }),
  ];
}

function noFigures(): Figures {
  return { atOnce: [], paced: [], attachments: [], cpuMs: [] };
}

async function measure(services: Services, channelBytes: number, figures: Figures): Promise<void> {
  const { mirrorPort, restPort, pid } = services;
  const viewers = await Promise.all(
    Array.from({ length: VIEWERS }, () => MirrorClient.open(mirrorPort, channelBytes)),
  );
  // The first update is a FULL one.
  await Promise.all(viewers.map((viewer) => viewer.update()));
  const cpuBefore = cpuSeconds(pid);
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.atOnce.push(...(await Promise.all(viewers.map((viewer) => viewer.update()))));
    await pause(PACE_MS);
  }
  figures.cpuMs.push(((cpuSeconds(pid) - cpuBefore) / (ROUNDS * VIEWERS)) * 1_000);
  const [viewer, ...others] = viewers;
  for (const other of others) other.close();
  for (let update = 0; update < PACED_UPDATES; update += 1) {
    figures.paced.push((await viewer?.update()) ?? Number.NaN);
    await pause(PACE_MS);
  }
  viewer?.close();
  figures.attachments.push(...(await attachmentTimes(restPort)));
}

/** Measures attachments to an application that everyone may read. */
async function measureAttachments(repetitions: number): Promise<{ through: number[]; direct: number[] }> {
  const through: number[] = [];
  const direct: number[] = [];
  await withBusyGateway(
    async (gateway, source) => {
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        direct.push(...(await attachmentTimes(source.restPort)));
        through.push(...(await attachmentTimes(gateway.restPort)));
      }
    },
    { mode: 'everyone' },
  );
  return { through, direct };
}

/** Milliseconds of the requests of an attachment, each on a connection of its own, as in C++. */
async function attachmentTimes(restPort: number): Promise<number[]> {
  const times: number[] = [];
  for (let attachment = 0; attachment < ATTACHMENTS; attachment += 1) {
    const requests = elapsedMs(async () => {
      await fetchText(restPort, 'shmem/size');
      await fetchText(restPort, 'mirror');
    });
    times.push(await requests);
    await pause(PACE_MS);
  }
  return times;
}
