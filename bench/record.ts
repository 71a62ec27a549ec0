/**
 * `npm run bench -- record`: what a recorder costs a provider of 500 MB/s, beside one without; how
 * large recordings of an 8 MiB display memory are, and how fast a moment of them opens. Starts a
 * system and a recorder; writes files of some GB into a temporary directory and removes them.
 */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { channelOf } from '../recorder/flow-channel.js';
import { RecordingFile } from '../recorder/mcap/recording-file.js';
import { encodePublication } from '../recorder/mirror/publication-codec.js';
import { Recording } from '../recorder/read/recording.js';
import { BenchProcess, stopAll } from './bench-process.js';
import type { PacedFigures, PacedProviderSettings } from './programs/paced-provider.js';
import { makeRow, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { pause, startSystem } from './system.js';

const CONSOLE = fileURLToPath(new URL('../console/main.js', import.meta.url));
const APP = 'record';
const RATE = 500e6;
const SIZE = 65_536;
const BLOCK = 4_096;
const MEMORY_BYTES = DISPLAY_HEADER_BYTES + 8 * 2 ** 20;
/** Between two key frames, at one publication in 5 s. */
const PUBLICATIONS = 180;
const EVERY_S = 5;
const HOURS = 12;
/** Counts of one changed block. */
const COUNTS_PER_BLOCK = 60;

export async function record({ durationMs, repeats }: BenchSettings): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-record-'));
  try {
    return [
      ...(await paced(directory, durationMs, repeats)),
      ...(await mirrors(directory, 0.05, '5 % of blocks')),
      ...(await mirrors(directory, 1, 'counts in all blocks')),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The pace and the time of a write, each with and without a recorder. */
async function paced(directory: string, durationMs: number, repeats: number): Promise<Row[]> {
  const system = await startSystem();
  const [pace, barePace, p99, bareP99] = [[], [], [], []] as [number[], number[], number[], number[]];
  try {
    await system.host.run({ name: APP });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      for (const recorded of [false, true]) {
        const flow = `flow${repeat}${recorded ? 'r' : ''}`;
        const settings: PacedProviderSettings = {
          app: APP,
          flow,
          size: SIZE,
          buffers: 256,
          bytesPerSecond: RATE,
        };
        const provider = await BenchProcess.start('paced-provider', settings);
        const recorder = recorded ? startRecorder(flow, directory) : undefined;
        await pause(1_000);
        await provider.request<PacedFigures>('sample');
        await pause(durationMs);
        const { bytes, ms, p99Us } = await provider.request<PacedFigures>('sample');
        (recorded ? pace : barePace).push(bytes / ms / 1_000);
        (recorded ? p99 : bareP99).push(p99Us);
        recorder?.kill('SIGTERM');
        if (recorder !== undefined) await once(recorder, 'exit');
        await stopAll([provider]);
      }
    }
  } finally {
    await system.stop();
  }
  return [
    makeRow('record', 'pace of 64 KiB buffers, recorded', 'MB/s', pace, {
      name: 'not recorded',
      values: barePace,
    }),
    makeRow('record', 'p99 of a write, recorded', 'us', p99, { name: 'not recorded', values: bareP99 }),
  ];
}

function startRecorder(flow: string, directory: string) {
  const words = ['record', flow, '--app', APP, '-o', directory, '--rotate', '1GiB', '--keep', '2GiB'];
  return spawn(process.execPath, [CONSOLE, ...words], { stdio: 'ignore' });
}

/** Size of a recording of 12 hours, and the time in which its most distant moment opens. */
async function mirrors(directory: string, share: number, name: string): Promise<Row[]> {
  const path = join(directory, 'mirror.mcap');
  const identity = {
    application: APP,
    flow: 'spectra',
    type: 'spectra',
    properties: {},
    bufferSize: MEMORY_BYTES,
    buffers: 2,
  };
  const file = await RecordingFile.create(path, { library: 'bench' });
  file.addMetadata('recording', new Map([['application', APP]]));
  const buffers = { epoch: 1, generation: 0, flags: 0, sequenceHigh: 0 };
  const key = file.addChannel({ ...channelOf(identity, 'key', buffers), schemaId: 0 });
  const delta = file.addChannel({ ...channelOf(identity, 'delta', buffers), schemaId: 0 });
  let memory = count(Buffer.alloc(MEMORY_BYTES), 1);
  let [keyBytes, deltaBytes] = [0, 0];
  for (let index = 0; index < PUBLICATIONS; index += 1) {
    const next = index === 0 ? memory : count(Buffer.from(memory), share);
    const message = encodePublication(index, next, index === 0 ? undefined : { sequence: index - 1, memory });
    await file.write(index === 0 ? key : delta, index, (index + 1) * EVERY_S * 1e9, message);
    if (index === 0) keyBytes = message.length;
    else deltaBytes += message.length;
    memory = next;
  }
  await file.close();
  const beganMs = performance.now();
  const recording = new Recording([path]);
  recording.publicationAt('spectra', Infinity);
  const openMs = performance.now() - beganMs;
  recording.close();
  rmSync(path);
  const keys = (HOURS * 3_600) / EVERY_S / PUBLICATIONS;
  return [
    makeRow('record', `12 h of 8 MiB every 5 s, ${name}`, 'MB', [(keys * (keyBytes + deltaBytes)) / 1e6]),
    makeRow('record', `opening a moment ${PUBLICATIONS - 1} deltas behind a key frame, ${name}`, 'ms', [
      openMs,
    ]),
  ];
}

/** Adds counts to a share of the blocks of channel storage. */
function count(memory: Buffer, share: number): Buffer {
  const blocks = Math.floor((MEMORY_BYTES - DISPLAY_HEADER_BYTES) / BLOCK);
  for (let block = 0; block < blocks; block += 1) {
    if (Math.random() >= share) continue;
    for (let hit = 0; hit < COUNTS_PER_BLOCK; hit += 1) {
      const at = DISPLAY_HEADER_BYTES + block * BLOCK + Math.floor((Math.random() * BLOCK) / 4) * 4;
      memory.writeUInt32LE((memory.readUInt32LE(at) + 1) >>> 0, at);
    }
  }
  return memory;
}
