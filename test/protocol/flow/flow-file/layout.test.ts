/** The layout of flow files: its offsets, its documentation, and who may use offsets. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'chai';
import { COUNTERS } from '../../../../protocol/flow/flow-file/counters.js';
import {
  CONSUMER_CAPACITY,
  CONSUMER_ROW,
  CONSUMER_STATE,
  COUNTER_CAPACITY,
  FLOW_FILE_MAGIC,
  FLOW_FILE_VERSION,
  FLOW_FLAGS,
  HEADER,
  HEADER_BYTES,
  SLOT,
  SOURCE_STATES,
  sourceStateOf,
} from '../../../../protocol/flow/flow-file/layout.js';
import { Place } from './place.js';

describe('the layout of a flow file', () => {
  it('the offsets of a flow file are those of the published version 2', () => {
    expect(FLOW_FILE_MAGIC).to.equal('MIRRFLOW');
    expect(FLOW_FILE_VERSION).to.equal(2);
    expect(HEADER).to.deep.equal({
      magic: 0,
      version: 8,
      headerBytes: 12,
      slotCount: 16,
      slotStride: 20,
      payloadCapacity: 24,
      flags: 28,
      createdNs: 32,
      ownerPid: 40,
      ownerStartTicks: 48,
      epoch: 64,
      providerFirst: 72,
      published: 128,
      claimed: 136,
      imageGeneration: 192,
      imageApplied: 200,
      sourceState: 208,
      stateSinceNs: 216,
      granted: 224,
      provider: 232,
      sourceEpoch: 240,
      heard: 248,
      counters: 256,
      presence: 512,
      identityLength: 1024,
      identity: 1028,
      consumers: 4096,
    });
    expect(HEADER_BYTES).to.equal(8192);
    expect(FLOW_FLAGS).to.deep.equal({ mirror: 1, remote: 2, datagrams: 4 });
    expect([CONSUMER_CAPACITY, CONSUMER_STATE]).to.deep.equal([
      64,
      { taken: 1, lossy: 2, paused: 4, remote: 8 },
    ]);
    expect(CONSUMER_ROW).to.deep.equal({
      state: 0,
      client: 4,
      pid: 8,
      acknowledged: 16,
      missed: 24,
      holds: 32,
      heldUs: 40,
      holdingSinceUs: 48,
      bytes: 64,
    });
    expect(SLOT).to.deep.equal({ sequence: 0, timestampNs: 8, size: 16, flags: 20, frame: 32, payload: 64 });
    expect(SOURCE_STATES).to.deep.equal({ starting: 0, live: 1, stale: 2, ended: 3 });
    expect(sourceStateOf(2)).to.equal('stale');
    expect(sourceStateOf(4)).to.equal(undefined);
  });

  it('the page on the flow file has the same diagram as the source', () => {
    const diagramOf = (file: string): string[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.replace(/^ \* ?/, ''))
        .filter((line) => /^ *(\w+ )?[│┌├└].*[│┐┤┘]$/.test(line));
    const diagram = diagramOf('protocol/flow/flow-file/layout.ts');
    expect(diagram.length).to.be.greaterThan(20);
    expect(diagramOf('docs/flow-file.md')).to.deep.equal(diagram);
    for (const line of diagram) expect(line.length, line).to.equal(diagram[0]!.length);
  });

  it('only the files of the flow file use its offsets', () => {
    const folders = [
      'app-server',
      'client-lib',
      'console',
      'duplicator',
      'gateway',
      'host-server',
      'protocol',
    ];
    const sources = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    );
    const users = sources.filter(
      (file) => file.endsWith('.ts') && /\b(HEADER|SLOT|PRESENCE)\.\w/.test(readFileSync(file, 'utf8')),
    );
    expect(users.filter((file) => !file.startsWith('protocol/flow/flow-file/'))).to.deep.equal([]);
  });

  it('every counter has its own place in the table', () => {
    const ids = Object.values(COUNTERS).map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    for (const id of ids) expect(id).to.be.within(0, COUNTER_CAPACITY - 1);
  });

  it('a flow file has the documented bytes at the documented offsets', () => {
    const place = new Place();
    try {
      const file = place.create({ slotCount: 3, payloadCapacity: 65, flags: 5, epoch: 0x1_0000_0002 });
      const { bytes } = file;
      expect(bytes.toString('latin1', 0, 8)).to.equal('MIRRFLOW');
      expect([8, 12, 16, 20, 24, 28].map((at) => bytes.readUInt32LE(at))).to.deep.equal([
        2, 8192, 3, 192, 65, 5,
      ]);
      expect(bytes.readUInt32LE(40)).to.equal(process.pid);
      expect(bytes.readBigUInt64LE(64)).to.equal(0x1_0000_0002n);
      const identity = bytes.toString('utf8', 1028, 1028 + bytes.readUInt32LE(1024));
      expect(JSON.parse(identity)).to.deep.include({ application: 'e23001', flow: 'spectra', type: 'bytes' });
      expect(bytes.length).to.equal(8192 + 3 * 192);
      expect(() => file.counter(COUNTER_CAPACITY)).to.throw(RangeError);
    } finally {
      place.remove();
    }
  });

  it('every counter of the table can be written, and no other', () => {
    const place = new Place();
    const file = place.create();
    for (let id = 0; id < COUNTER_CAPACITY; id += 1) file.setCounter(id, id + 1);
    expect([file.counter(0), file.counter(COUNTER_CAPACITY - 1)]).to.deep.equal([1, COUNTER_CAPACITY]);
    expect(file.bytes.readUInt32LE(HEADER.counters)).to.equal(1);
    for (const id of [-1, COUNTER_CAPACITY, 0.5]) {
      expect(() => file.counter(id)).to.throw(RangeError);
      expect(() => file.setCounter(id, 0)).to.throw(RangeError);
    }
    place.remove();
  });
});
