/**
 * The channels of a recorded flow: its identity as their metadata, and the schema by which other
 * programs read its messages. Used by recorders, players and readers. Pure.
 *
 * A flow has one channel for each combination of epoch, provider, flags and upper half of the
 * sequence, all with the flow's name as their topic: with the sequence of a message they restore
 * the buffer exactly.
 */
import { MirrorflowError } from '../protocol/base/errors.js';
import { checkName } from '../protocol/base/names.js';
import type { Channel, Schema } from './mcap/summary.js';

/** What all buffers of a flow have in common. */
export interface RecordedFlow {
  readonly application: string;
  readonly flow: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Largest buffer, bytes, and buffers of the ring. */
  readonly bufferSize: number;
  readonly buffers: number;
}

/** What the buffers of one channel have in common. */
export interface BufferClass {
  readonly epoch: number;
  readonly generation: number;
  readonly flags: number;
  /** The sequences divided by 2^32. */
  readonly sequenceHigh: number;
}

/** `buffers`: as they were; `key`, `delta`: publications of a mirror (publication-codec.ts). */
export type ChannelKind = 'buffers' | 'key' | 'delta' | 'answer';

export const TWO_32 = 2 ** 32;

const ENCODINGS: Readonly<Record<ChannelKind, string>> = {
  buffers: 'mirrorflow.buffer',
  key: 'mirrorflow.key',
  delta: 'mirrorflow.delta',
  answer: 'json',
};

/** The channel's definition without its number and schema. */
export function channelOf(
  flow: RecordedFlow,
  kind: ChannelKind,
  buffers: BufferClass,
): Omit<Channel, 'id' | 'schemaId'> {
  const metadata = new Map([
    ['kind', kind],
    ['application', flow.application],
    ['flow', flow.flow],
    ['type', flow.type],
    ['properties', JSON.stringify(flow.properties)],
    ['bufferSize', String(flow.bufferSize)],
    ['buffers', String(flow.buffers)],
    ...Object.entries(buffers).map(([name, value]) => [name, String(value)] as const),
  ]);
  const messageEncoding = kind === 'buffers' && flow.type === 'json' ? 'json' : ENCODINGS[kind];
  return { topic: flow.flow, messageEncoding, metadata };
}

/** The schema of a channel; undefined for buffers that only their own programs understand. */
export function schemaOf(flow: RecordedFlow, kind: ChannelKind): Omit<Schema, 'id'> | undefined {
  if (kind === 'key' || kind === 'delta') return undefined;
  if (flow.type === 'json') return jsonSchema(`${flow.application}.${flow.flow}`, {});
  if (flow.type !== 'array') return undefined;
  const array = flow.properties['array'];
  return jsonSchema(`${flow.application}.${flow.flow}`, {
    description:
      'an array: u32 rank, 7 dimensions of u32 (unused ones 0), then the elements, little-endian, the last dimension fastest',
    'x-mirrorflow-array': array,
  });
}

export function jsonSchema(name: string, extra: object): Omit<Schema, 'id'> {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: name, ...extra };
  return { name, encoding: 'jsonschema', data: Buffer.from(JSON.stringify(schema), 'utf8') };
}

/** Undefined for a channel that is not one of a flow. Throws FILE_CORRUPT for a damaged one. */
export function flowOf(channel: Channel): (RecordedFlow & BufferClass & { kind: ChannelKind }) | undefined {
  const { metadata } = channel;
  const kind = metadata.get('kind');
  if (kind !== 'buffers' && kind !== 'key' && kind !== 'delta') return undefined;
  const number = (name: string): number => {
    const value = Number(metadata.get(name));
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw damaged(channel, `${name} is ${JSON.stringify(metadata.get(name))}`);
  };
  return {
    kind,
    application: checkName('application', metadata.get('application') ?? ''),
    flow: checkName('flow', metadata.get('flow') ?? ''),
    type: metadata.get('type') ?? 'bytes',
    properties: propertiesOf(channel),
    bufferSize: number('bufferSize'),
    buffers: number('buffers'),
    epoch: number('epoch'),
    generation: number('generation'),
    flags: number('flags'),
    sequenceHigh: number('sequenceHigh'),
  };
}

function propertiesOf(channel: Channel): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(channel.metadata.get('properties') ?? '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw damaged(channel, 'its properties are no JSON object');
}

function damaged({ id, topic }: Channel, defect: string): MirrorflowError {
  return new MirrorflowError('FILE_CORRUPT', `channel ${id} of ${topic} is damaged: ${defect}`, { topic });
}
