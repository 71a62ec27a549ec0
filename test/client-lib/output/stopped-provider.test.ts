/** A provider that is stopped between any two of its accesses to credit and slots. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { InputFlow } from '../../../client-lib/input/input-flow.js';
import { eventually } from '../../kit/eventually.js';
import { LocalHostFlow } from '../../kit/local-host.js';
import { TestProcess } from '../../kit/test-process.js';

/** Least number of stops; there are more until the provider has stopped at every place. */
const STOPS = 60;
const PLACES = ['claimed', 'cleared', 'credit', 'granted'];
const SIZE = 64;

describe('a stopped provider', () => {
  for (const slots of [2, 3, 8, 256]) {
    it(`a provider of ${slots} buffers that is stopped anywhere takes nothing from a lossless consumer that joins at the oldest buffer`, async () => {
      const place = await LocalHostFlow.start(slots, SIZE);
      const { file, link } = place.openedToProvide;
      const provider = new TestProcess('test/fixtures/stopping-provider', [
        file,
        link,
        String(slots),
        String(SIZE),
        String(STOPS),
      ]);
      try {
        expect(await provider.line()).to.equal('ready');
        provider.writeLine('go');
        let joined: InputFlow | undefined;
        const places = new Set<string>();
        for (let stop = 0; stop < STOPS || places.size < PLACES.length; stop += 1) {
          places.add(await provider.line());
          await eventually(() => isStopped(provider.pid), 'the provider has stopped');
          if (joined !== undefined) await takeAll(joined, place.file.published);
          // Every place is met with and without a consumer that holds credit.
          joined = stop % 3 === 0 ? await place.consumer({ start: 'oldest' }) : undefined;
          process.kill(provider.pid, 'SIGCONT');
        }
        expect(PLACES).to.include.members([...places]);
        if (joined !== undefined) await takeAll(joined, place.file.published);
        expect(await provider.line()).to.equal('done');
      } finally {
        await provider.kill();
        await place.close();
      }
    });
  }
});

/** Takes every buffer below `published`, without a gap, and closes the flow. */
async function takeAll(flow: InputFlow, published: number): Promise<void> {
  let next: number | undefined;
  while ((next ?? 0) < published) {
    const buffer = await flow.take();
    expect(buffer?.bytes[0]).to.equal(buffer!.sequence & 0xff);
    expect(buffer?.sequence).to.equal(next ?? buffer?.sequence);
    next = buffer!.sequence + 1;
    buffer?.release();
  }
  expect(flow.lost).to.equal(0);
  await flow.close();
}

function isStopped(pid: number): boolean {
  return / [Tt] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/, ''));
}
