/** Flows between programs of different languages: nothing lost, whatever is killed. */
import { expect } from 'chai';
import { connect } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';
import { APP, ConformanceSystem } from './conformance-system.js';
import { installedPairs, isInstalled, LANGUAGES, type Driver } from './driver-process.js';

const SIZE = 1024;
const BUFFERS = 64;
const FLOW = 'events';

describe('conformance: flows', function () {
  let lab: ConformanceSystem;

  beforeEach(async () => {
    lab = new ConformanceSystem();
    await lab.system.startHost(APP);
  });

  afterEach(async function () {
    await lab.stop(this.currentTest?.state === 'failed');
  });

  async function open(provider: Driver): Promise<void> {
    await provider.run('openOutput', { name: 'out', flow: FLOW, bufferSize: SIZE, buffers: BUFFERS });
  }

  for (const provided of LANGUAGES.filter(isInstalled)) {
    it(`a ${provided} provider loses nothing to lossless consumers of every language while duplicator and app server are killed`, async () => {
      const count = 30_000;
      const provider = await lab.driver(provided, 'provider');
      await open(provider);
      const consumers = await Promise.all(
        LANGUAGES.filter(isInstalled).map((language) => lab.driver(language, `${language}-consumer`)),
      );
      await Promise.all(consumers.map((each) => each.run('openInput', { name: 'in', flow: FLOW })));
      const observer = await connect({ app: APP, name: 'observer', directory: lab.system.directory });
      const writing = provider.run('write', { name: 'out', first: 0, count, size: SIZE });
      const reading = Promise.all(consumers.map((each) => each.run('read', { name: 'in', until: count })));
      try {
        const published = async () =>
          (await observer.flows()).find(({ flow }) => flow === FLOW)?.published ?? 0;
        await eventually(async () => (await published().catch(() => 0)) > count / 10, 'a tenth is written');
        process.kill((await lab.system.duplicatorPid(observer, FLOW)) ?? 0, 'SIGKILL');
        await eventually(async () => (await published().catch(() => 0)) > count / 5, 'writing resumes');
        process.kill(await lab.system.appServerPid(APP), 'SIGKILL');
        await writing;
        for (const result of await reading) {
          expect(result).to.deep.equal({
            read: count,
            doubled: 0,
            lost: 0,
            torn: 0,
            first: 0,
            missed: 0,
          });
        }
      } finally {
        await observer.close();
      }
    });
  }

  for (const [provided, consumed] of installedPairs()) {
    it(`a ${consumed} consumer begins a flow of a ${provided} provider at each start`, async () => {
      const provider = await lab.driver(provided, 'provider');
      const consumer = await lab.driver(consumed, 'consumer');
      await open(provider);
      await provider.run('write', { name: 'out', first: 0, count: 20, size: SIZE });
      const starts = { oldest: 0, newest: 19, next: 20, 7: 7 } as const;
      for (const start of ['oldest', 'newest', 'next', 7] as const)
        await consumer.run('openInput', { name: String(start), flow: FLOW, start, delivery: 'lossy' });
      await provider.run('write', { name: 'out', first: 20, count: 1, size: SIZE });
      for (const [start, first] of Object.entries(starts)) {
        const found = await consumer.run('read', { name: start, until: 21 });
        expect(found, start).to.include({ first, lost: 0, torn: 0, doubled: 0, missed: 0 });
      }
    });

    it(`a lossy ${consumed} consumer counts what it missed of a ${provided} provider`, async () => {
      const provider = await lab.driver(provided, 'provider');
      const consumer = await lab.driver(consumed, 'consumer');
      await open(provider);
      await consumer.run('openInput', { name: 'in', flow: FLOW, delivery: 'lossy' });
      const count = 5 * BUFFERS;
      await provider.run('write', { name: 'out', first: 0, count, size: SIZE });
      const found = (await consumer.run('read', { name: 'in', until: count, next: 0 })) as {
        read: number;
        missed: number;
        torn: number;
      };
      expect(found.torn).to.equal(0);
      expect(found.read).to.be.lessThan(BUFFERS + 1);
      expect(found.read + found.missed).to.equal(count);
    });
  }

  for (const language of LANGUAGES.filter(isInstalled)) {
    it(`a ${language} program is refused with the code of each mistake`, async () => {
      const first = await lab.driver(language, 'first');
      const second = await lab.driver(language, 'second');
      await open(first);
      const output = { name: 'out', flow: FLOW, bufferSize: SIZE };
      expect(await second.refusal('openOutput', output)).to.equal('FLOW_BUSY');
      expect(await second.refusal('openInput', { name: 'in', flow: 'none' })).to.equal('UNKNOWN_FLOW');
      expect(await second.refusal('openInput', { name: 'in', flow: '../x' })).to.equal('BAD_NAME');
      const json = { name: 'json' };
      expect(await second.refusal('openInput', { name: 'in', flow: FLOW, type: json })).to.equal(
        'WRONG_FLOW_TYPE',
      );
      const large = { name: 'out', first: 0, count: 1, size: SIZE + 8 };
      expect(await first.refusal('write', large)).to.equal('TOO_LARGE');
      expect(await second.refusal('connect', { app: 'none', name: 'x' })).to.equal('UNKNOWN_APPLICATION');
      const client = { client: 'nobody', run: 1, title: '', weights: [] };
      expect(await second.refusal('send', client)).to.equal('UNKNOWN_CLIENT');
      await first.run('close', { name: 'out' });
      // A flow can be redefined when its duplicator has seen the end of all its clients.
      const observer = await connect({ app: APP, name: 'observer', directory: lab.system.directory });
      await eventually(
        async () => (await observer.flows()).every(({ clients }) => clients === 0),
        'the flow has no clients',
      );
      await observer.close();
      await second.run('openOutput', output);
      await second.run('write', { name: 'out', first: 0, count: 1, size: SIZE });
    });
  }
});
