/**
 * The conformance driver of the TypeScript library: executes the commands of
 * test/conformance/README.md. Reads one JSON object a line on standard input, answers each with one
 * line on standard output.
 */
import { createInterface } from 'node:readline';
import { crc32 } from 'node:zlib';
import {
  array,
  compressed,
  connect,
  json,
  MirrorflowError,
  type ArrayKind,
  type Client,
  type FlowType,
  type Layer,
  type SpectraView,
} from '../../../client-lib/index.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type AnyType = FlowType<unknown, Layer & { readonly value: unknown }, unknown, never>;
interface Request {
  readonly do: string;
  readonly [argument: string]: unknown;
}

const HEAD_BYTES = 12;

class RunStarted {
  static readonly attributes = { run: 'number', title: 'string', weights: ['number'] } as const;
  readonly run: number;
  readonly title: string;
  readonly weights: number[];
  constructor(run: number, title: string, weights: number[]) {
    this.run = run;
    this.title = title;
    this.weights = weights;
  }
}

function flowType(spec: { name: string; kind?: ArrayKind; shape?: number[]; inner?: never }): AnyType {
  if (spec.name === 'json') return json() as unknown as AnyType;
  if (spec.name === 'array') return array(spec.kind ?? 'f64', spec.shape) as unknown as AnyType;
  return compressed(flowType(spec.inner ?? { name: 'json' })) as unknown as AnyType;
}

function contentOf(number: number, size: number): Buffer {
  const content = Buffer.alloc(size);
  for (let at = HEAD_BYTES; at < size; at += 1) content[at] = (number + at - HEAD_BYTES) % 256;
  content.writeBigUInt64LE(BigInt(number), 0);
  content.writeUInt32LE(crc32(content.subarray(HEAD_BYTES)), 8);
  return content;
}

function describe(spectra: SpectraView, name: string): Json {
  const { binding, counts, sum } = spectra.get(name);
  const { dimensions, xchans, ychans, xmin, xmax, ymin, ymax } = binding;
  const isPlane = dimensions === 2;
  return {
    type: binding.type.name,
    shape: isPlane ? [ychans, xchans] : [xchans],
    sum,
    counts: [...counts.subarray(0, 64)],
    axes: [[xmin, xmax, xchans], ...(isPlane ? [[ymin, ymax, ychans]] : [])],
  };
}

class Driver {
  #app: Client | undefined;
  #awaited: Promise<RunStarted> | undefined;
  // Flows of several types, each used by the commands that fit its kind.
  readonly #open = new Map<string, unknown>();

  get #client(): Client {
    if (this.#app === undefined) throw new Error('connect first');
    return this.#app;
  }

  async run(request: Request): Promise<Json | undefined> {
    const { name, flow, type } = request as Request & { name: string; flow: string; type?: never };
    switch (request.do) {
      case 'connect':
        this.#app = await connect({ app: String(request['app']), name });
        return;
      case 'openInput': {
        const { delivery = 'lossless', start = 'oldest' } = request as { delivery?: never; start?: never };
        const options = { delivery, start, inline: true };
        const typed = type === undefined ? options : { ...options, type: flowType(type) };
        this.#open.set(name, await this.#client.openInput(flow, typed as never));
        return;
      }
      case 'openOutput': {
        const { bufferSize, buffers, maxBytes } = request as Record<string, number | undefined>;
        const sizes = Object.fromEntries(
          Object.entries({ bufferSize, buffers, maxBytes }).filter(([, value]) => value !== undefined),
        );
        const typed = type === undefined ? sizes : { ...sizes, type: flowType(type) };
        this.#open.set(name, await this.#client.openOutput(flow, typed as never));
        return;
      }
      case 'write':
        return this.#write(request as never);
      case 'read':
        return this.#read(request as never);
      case 'writeValue': {
        await (this.#open.get(name) as { write(value: unknown): Promise<boolean> }).write(
          valueOf(request['value']),
        );
        return;
      }
      case 'takeValue':
        return this.#takeValue(name);
      case 'spectra':
        return (await this.#client.mirror()).spectra.list().map((spectrum) => spectrum.name);
      case 'spectrum':
        return (await this.#client.mirror()).read((spectra) => describe(spectra, name));
      case 'updates':
        return this.#updates(Number(request['count']));
      case 'send': {
        const { client, run, title, weights } = request as Request & {
          client: string;
          run: number;
          title: string;
          weights: number[];
        };
        const to = { client };
        return (await this.#client.send(new RunStarted(run, title, weights), { to })).received.length;
      }
      case 'listen':
        this.#awaited = this.#client.waitFor(RunStarted, { timeoutMs: 20_000 });
        this.#awaited.catch(() => undefined);
        return;
      case 'waitFor':
        return this.#waitForRun();
      case 'close':
        await (name === undefined ? this.#client : (this.#open.get(name) as Client)).close();
        return;
      default:
        throw new Error(`no command ${request.do}`);
    }
  }

  async #write(request: { name: string; first: number; count: number; size: number }): Promise<Json> {
    const output = this.#open.get(request.name) as Awaited<ReturnType<Client['openOutput']>>;
    const end = request.first + request.count;
    for (let number = request.first; number < end; number += 1)
      await output.write(contentOf(number, request.size));
    return { next: end };
  }

  async #read({ name, until, next = -1 }: { name: string; until: number; next?: number }): Promise<Json> {
    const source = this.#open.get(name) as Awaited<ReturnType<Client['openInput']>>;
    const found = { read: 0, doubled: 0, lost: 0, torn: 0, first: -1, missed: 0 };
    let expected = next;
    while (expected < until) {
      const buffer = await source.take();
      if (buffer === undefined) break;
      const bytes = Buffer.from(buffer.bytes);
      const number = Number(bytes.readBigUInt64LE(0));
      if (!buffer.stillValid() || crc32(bytes.subarray(HEAD_BYTES)) !== bytes.readUInt32LE(8))
        found.torn += 1;
      buffer.release();
      if (found.first < 0) found.first = number;
      else if (number < expected) found.doubled += 1;
      else if (number > expected) found.lost += number - expected;
      expected = number + 1;
      found.read += 1;
    }
    return { ...found, missed: source.lost };
  }

  async #takeValue(name: string): Promise<Json> {
    const source = this.#open.get(name) as {
      take(): Promise<{ below: Layer; value: unknown; shape?: number[]; release(): void }>;
    };
    const buffer = await source.take();
    const bottom = bottomOf(buffer);
    const bytes = Buffer.from(bottom.bytes).toString('hex');
    const value = buffer.value as Json;
    const shown: Json = ArrayBuffer.isView(value)
      ? { array: [...(value as unknown as Float64Array)], shape: [...(buffer.shape ?? [])] }
      : value;
    buffer.release();
    return { bytes, value: shown };
  }

  async #waitForRun(): Promise<Json> {
    if (this.#awaited === undefined) throw new Error('listen first');
    const { run, title, weights } = await this.#awaited;
    return { run, title, weights };
  }

  async #updates(count: number): Promise<Json> {
    const source = await this.#client.openInput('spectra', { delivery: 'lossy', start: 'next' });
    const seen: number[] = [];
    for await (const buffer of source) {
      seen.push(buffer.sequence);
      if (seen.length === count) break;
    }
    await source.close();
    return seen;
  }
}

/** A numpy-like array of the protocol as the typed array of its kind. */
function valueOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('array' in value)) return value;
  const { array: elements, dtype, shape } = value as { array: number[]; dtype: string; shape: number[] };
  const typed = dtype === 'u4' ? Uint32Array.from(elements) : Float64Array.from(elements);
  return { array: typed, shape };
}

/** The buffer of the flow itself, below all layers. */
function bottomOf(buffer: object): Layer {
  let layer = buffer as Layer & { below?: Layer };
  while (layer.below !== undefined) layer = layer.below;
  return layer;
}

const driver = new Driver();
for await (const line of createInterface({ input: process.stdin })) {
  let answer: object;
  try {
    answer = { ok: (await driver.run(JSON.parse(line) as Request)) ?? null };
  } catch (error) {
    const code = error instanceof MirrorflowError ? error.code : 'Error';
    answer = { error: code, message: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
