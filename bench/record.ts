/**
 * `npm run bench -- record`: what a recorder costs a provider of 500 MB/s, beside one without; how
 * large recordings of an 8 MiB display memory are, and how fast a moment of them opens. Starts a
 * system and a recorder; writes files of some GB into a temporary directory and removes them.
 */
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { channelOf } from '../recorder/flow-channel.js';
import { RecordingFile } from '../recorder/mcap/recording-file.js';
import { blockBytesOf, encodePublication } from '../recorder/mirror/publication-codec.js';
import { Recording } from '../recorder/read/recording.js';
import { KeyFrames } from '../recorder/record/key-frames.js';
import { BenchProcess, stopAll } from './bench-process.js';
import type { PacedFigures, PacedProviderSettings } from './programs/paced-provider.js';
import { makeRow, type Row } from './report.js';
import type { BenchSettings } from './settings.js';
import { pause, startSystem } from './system.js';

const CONSOLE = fileURLToPath(new URL('../console/main.js', import.meta.url));
const APP = 'record';
const RATE = 500e6;
const WARM_UP_MS = 500;
/** Length of a clock tick in /proc, which has 100 a second on every Linux of Node. */
const MS_PER_TICK = 10;
const ATTACH_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
/** A recording of 500 MB/s fills a disk. */
const DURATION_MAX_MS = 5_000;
const SIZE = 65_536;
const BLOCK = 4_096;
const MEMORY_BYTES = DISPLAY_HEADER_BYTES + 8 * 2 ** 20;
const EVERY_S = 5;
const HOURS = 12;
/** Counts of one changed block. */
const COUNTS_PER_BLOCK = 60;

export async function record({ durationMs, repeats }: BenchSettings): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-record-'));
  try {
    return [
      ...(await paced(directory, Math.min(durationMs, DURATION_MAX_MS), repeats)),
      ...(await mirrors(directory, 0.05, '5 % of blocks')),
      ...(await mirrors(directory, 1, 'counts in all blocks')),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The pace and the time of a write, each with and without a recorder, and its memory. */
async function paced(directory: string, durationMs: number, repeats: number): Promise<Row[]> {
  const system = await startSystem();
  const recorded: Paced[] = [];
  const bare: Paced[] = [];
  try {
    await system.host.run({ name: APP });
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      bare.push(await measure(`bare${repeat}`, undefined, durationMs));
      recorded.push(await measure(`recorded${repeat}`, directory, durationMs));
    }
  } finally {
    await system.stop();
  }
  const row = (name: string, unit: string, of: (paced: Paced) => number): Row =>
    makeRow('record', name, unit, recorded.map(of), { name: 'not recorded', values: bare.map(of) });
  return [
    row('pace of 64 KiB buffers, recorded', 'MB/s', ({ pace }) => pace),
    row('p99 of a write, recorded', 'us', ({ p99Us }) => p99Us),
    makeRow(
      'record',
      'recorded of what was written meanwhile',
      '%',
      recorded.map(({ share }) => share * 100),
    ),
    makeRow(
      'record',
      'processor time of the recorder, a GB',
      'ms',
      recorded.map(({ cpuMsPerGb }) => cpuMsPerGb),
    ),
    makeRow(
      'record',
      'most memory of the recorder',
      'MiB',
      recorded.map(({ memoryBytes }) => memoryBytes / 2 ** 20),
    ),
  ];
}

interface Paced {
  readonly pace: number;
  readonly p99Us: number;
  /** Recorded part of the bytes that were written in the measurement; 0 without a recorder. */
  readonly share: number;
  /** Processor time of the recorder for 10^9 recorded bytes; 0 without one. */
  readonly cpuMsPerGb: number;
  /** Largest resident memory of the recorder; 0 without one. */
  readonly memoryBytes: number;
}

/** `directory`: where a recorder writes; undefined for none. */
async function measure(flow: string, directory: string | undefined, durationMs: number): Promise<Paced> {
  const settings: PacedProviderSettings = { app: APP, flow, size: SIZE, buffers: 256, bytesPerSecond: RATE };
  const provider = await BenchProcess.start('paced-provider', settings);
  const recorder = directory === undefined ? undefined : await Recorder.start(flow, directory);
  try {
    await pause(WARM_UP_MS);
    await provider.request<PacedFigures>('sample');
    const before = recorder?.recordedBytes() ?? 0;
    const cpuBefore = recorder?.cpuMs() ?? 0;
    await pause(durationMs);
    const { bytes, ms, p99Us } = await provider.request<PacedFigures>('sample');
    const recordedBytes = (recorder?.recordedBytes() ?? 0) - before;
    const cpuMs = (recorder?.cpuMs() ?? 0) - cpuBefore;
    return {
      pace: bytes / ms / 1_000,
      p99Us,
      share: recordedBytes / bytes,
      cpuMsPerGb: recordedBytes === 0 ? 0 : (cpuMs * 1e9) / recordedBytes,
      memoryBytes: recorder?.peakMemoryBytes() ?? 0,
    };
  } finally {
    await stopAll([provider]);
    await recorder?.stop();
  }
}

/** `mirrorflow record` as a process. */
class Recorder {
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(process: ChildProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
  }

  /** Resolves when it reads the flow. Throws when it does not within a time. */
  static async start(flow: string, parent: string): Promise<Recorder> {
    const directory = mkdtempSync(join(parent, 'flow-'));
    const words = ['record', flow, '--app', APP, '-o', directory, '--rotate', '8GiB'];
    const child = spawn(process.execPath, [CONSOLE, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    const recorder = new Recorder(child, directory);
    const timer = setTimeout(() => child.kill('SIGKILL'), ATTACH_TIMEOUT_MS);
    for await (const chunk of child.stderr) {
      text += String(chunk);
      if (text.includes('attached to the flow')) break;
    }
    clearTimeout(timer);
    if (child.exitCode === null && child.signalCode === null) return recorder;
    throw new Error(`the recorder did not attach within ${ATTACH_TIMEOUT_MS} ms: ${text}`);
  }

  recordedBytes(): number {
    const names = readdirSync(this.#directory);
    const sizes = names.map((name) => statSync(join(this.#directory, name)).size);
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Processor time of all its threads so far. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  peakMemoryBytes(): number {
    const [, kib = '0'] =
      /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#process.pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1_024;
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    clearTimeout(timer);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/**
 * Size of a recording of 12 hours and the time in which its most distant moment opens, from one
 * cycle in the middle of it: a key frame, and all deltas until the next one is due.
 */
async function mirrors(directory: string, share: number, name: string): Promise<Row[]> {
  const path = join(directory, 'mirror.mcap');
  const cycle = await recordCycle(path, share);
  const cpuBefore = process.cpuUsage();
  const beganMs = performance.now();
  const recording = new Recording([path]);
  recording.publicationAt('spectra', Infinity);
  const openMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  recording.close();
  const bytes = statSync(path).size;
  rmSync(path);
  const hours = (HOURS * 3_600) / EVERY_S / cycle.publications;
  return [
    makeRow('record', `12 h of 8 MiB every 5 s, ${name}`, 'MB', [(hours * bytes) / 1e6]),
    makeRow('record', `a key frame, ${name}`, 'MB', [cycle.keyBytes / 1e6]),
    makeRow('record', `deltas to the next key frame, ${name}`, 'deltas', [cycle.publications - 1]),
    makeRow('record', `encoding a publication, ${name}`, 'ms', [cycle.encodeMs]),
    makeRow('record', `opening the moment before a key frame, ${name}`, 'ms', [openMs]),
    makeRow('record', `processor time of that, ${name}`, 'ms', [(user + system) / 1_000]),
  ];
}

interface Cycle {
  readonly publications: number;
  readonly keyBytes: number;
  /** Processor time of the median delta. */
  readonly encodeMs: number;
}

async function recordCycle(path: string, share: number): Promise<Cycle> {
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
  const keyFrames = new KeyFrames();
  let memory = countsAfter((HOURS * 3_600) / EVERY_S / 2, share);
  const keyMessage = encodePublication(0, memory);
  await file.write(key, 0, EVERY_S * 1e9, keyMessage);
  keyFrames.keyRecorded(0);
  const encodeMs: number[] = [];
  let index = 1;
  for (; !keyFrames.isDue(index * EVERY_S * 1_000, MEMORY_BYTES); index += 1) {
    const next = count(Buffer.from(memory), share);
    const before = process.cpuUsage();
    const message = encodePublication(index, next, { sequence: index - 1, memory });
    encodeMs.push(process.cpuUsage(before).user / 1_000);
    await file.write(delta, index, (index + 1) * EVERY_S * 1e9, message);
    keyFrames.deltaRecorded(blockBytesOf(message));
    memory = next;
  }
  await file.close();
  const sorted = encodeMs.toSorted((one, other) => one - other);
  return {
    publications: index,
    keyBytes: keyMessage.length,
    encodeMs: sorted[Math.floor(sorted.length / 2)] ?? 0,
  };
}

/** A memory whose channels have the counts of so many publications: a normal distribution. */
function countsAfter(publications: number, share: number): Buffer {
  const memory = Buffer.alloc(MEMORY_BYTES);
  const mean = (publications * share * COUNTS_PER_BLOCK * 4) / BLOCK;
  for (let at = DISPLAY_HEADER_BYTES; at < MEMORY_BYTES; at += 4) {
    const deviation = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    memory.writeUInt32LE(Math.max(0, Math.round(mean + deviation * Math.sqrt(mean))), at);
  }
  return memory;
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
