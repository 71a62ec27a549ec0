/** Typed flows, messages and mirrors between programs of different languages. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';
import { APP, ConformanceSystem } from './conformance-system.js';
import { installedPairs, isInstalled, LANGUAGES, TYPED_LANGUAGES } from './driver-process.js';

const MIB = 1024 * 1024;
const ARRAY = { array: [1, 2, 3, 4, 5, 6], dtype: 'u4', shape: [2, 3] };
const NESTED = { name: 'deflate', inner: { name: 'array', kind: 'u32', shape: [2, 3] } };
const CASES = [
  { title: 'JSON', type: { name: 'json' }, value: { run: 7, beam: '48Ca µ', on: [true, null, 0.5] } },
  { title: 'arrays', type: { name: 'array', kind: 'u32', shape: [2, 3] }, value: ARRAY },
  { title: 'compressed arrays', type: NESTED, value: ARRAY },
  { title: 'compressed JSON', type: { name: 'deflate', inner: { name: 'json' } }, value: 'aaaa'.repeat(200) },
];
/** Rank 2, then 2 x 3, then the elements: the metadata bytes that docs/typed-flows.md states. */
const ARRAY_BYTES = `020000000200000003000000${'00'.repeat(20)}${[1, 2, 3, 4, 5, 6].map((n) => `0${n}000000`).join('')}`;

describe('conformance: values', function () {
  let lab: ConformanceSystem;

  beforeEach(async () => {
    lab = new ConformanceSystem();
    await lab.system.startHost();
  });

  afterEach(async function () {
    await lab.stop(this.currentTest?.state === 'failed');
  });

  for (const [provided, consumed] of installedPairs(TYPED_LANGUAGES)) {
    it(`a ${consumed} program reads the values of typed flows that a ${provided} program writes`, async () => {
      await lab.system.host.run({ name: APP });
      const provider = await lab.driver(provided, 'provider');
      const consumer = await lab.driver(consumed, 'consumer');
      for (const [at, { title, type, value }] of CASES.entries()) {
        const flow = `typed-${at}`;
        await provider.run('openOutput', { name: flow, flow, type, maxBytes: 4096 });
        await consumer.run('openInput', { name: flow, flow, type });
        await provider.run('writeValue', { name: flow, value });
        const taken = (await consumer.run('takeValue', { name: flow })) as { bytes: string; value: unknown };
        const { array, shape } = ARRAY;
        expect(taken.value, title).to.deep.equal(value === ARRAY ? { array, shape } : value);
        if (title === 'arrays') expect(taken.bytes).to.equal(ARRAY_BYTES);
        if (title === 'compressed arrays') expect(taken.bytes.slice(0, 8)).to.equal('38000000');
      }
    });
  }

  for (const [provided, consumed] of installedPairs()) {
    it(`a ${consumed} program receives a message of a ${provided} program in its exact state`, async () => {
      await lab.system.host.run({ name: APP });
      const sender = await lab.driver(provided, 'sender');
      const receiver = await lab.driver(consumed, 'receiver');
      const message = { run: 7_000_000_000, title: 'été <&> µ', weights: [0.5, -1, 3] };
      await receiver.run('listen');
      expect(await sender.run('send', { client: 'receiver', ...message })).to.equal(1);
      expect(await receiver.run('waitFor')).to.deep.equal(message);
    });
  }

  for (const language of LANGUAGES.filter(isInstalled)) {
    it(`a ${language} program reads spectra by name as the source has them, and follows publications, also after the duplicator was killed`, async () => {
      const simulator = await lab.system.simulator({ rate: 20_000, intervalMs: 10 });
      await lab.system.host.run({ name: APP, source: simulator.address, updateIntervalMs: 10 });
      const typescript = await lab.driver('typescript', 'reference');
      const reader = await lab.driver(language, 'reader');
      const names = (await typescript.run('spectra')) as string[];
      expect(names.length).to.be.greaterThan(2);
      expect(await reader.run('spectra')).to.deep.equal(names);
      const sequences = (await reader.run('updates', { count: 3 })) as number[];
      expect(sequences).to.deep.equal([...new Set(sequences)].sort((a, b) => a - b));
      const observer = await lab.system.client(APP, 'observer');
      process.kill((await lab.system.duplicatorPid(observer)) ?? 0, 'SIGKILL');
      expect(await reader.run('updates', { count: 2 })).to.have.length(2);
      simulator.setRate(0);
      for (const name of names) {
        // The last counts may still be on their way: both readers see the same once they are there.
        await eventually(async () => {
          const expected = await typescript.run('spectrum', { name });
          return isDeepStrictEqual(await reader.run('spectrum', { name }), expected);
        }, `the ${language} program reads ${name} as the TypeScript library does`);
      }
      expect(await reader.refusal('spectrum', { name: 'no such' })).to.equal('UNKNOWN_SPECTRUM');
    });

    it(`a ${language} program follows a source that is restarted with a larger and a smaller memory`, async () => {
      let simulator = await lab.system.simulator({ rate: 0, intervalMs: 10, channelBytes: 2 * MIB });
      await lab.system.host.run({ name: APP, source: simulator.address });
      const reader = await lab.driver(language, 'reader');
      const { restPort, mirrorPort } = simulator;
      for (const channelBytes of [2 * MIB, 8 * MIB, 4 * MIB]) {
        await simulator.close();
        simulator = await lab.system.simulator({
          rate: 0,
          intervalMs: 10,
          channelBytes,
          restPort,
          mirrorPort,
        });
        simulator.step(channelBytes / MIB);
        const { sum } = new SpectraView(simulator.memory).get('tof');
        await eventually(async () => {
          const found = (await reader.run('spectrum', { name: 'tof' })) as { sum: number };
          return found.sum === sum;
        }, `the counts of a memory with ${channelBytes} bytes of channels`);
        simulator.setRate(20_000);
        expect(await reader.run('updates', { count: 2 })).to.have.length(2);
      }
    });
  }
});
