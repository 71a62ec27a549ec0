/** The counts of a spectrum in SpecTcl's form, from a display memory of the test. Pure. */
import { inflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { contentsAnswer } from '../../../gateway/rest/contents.js';
import { bindings, channelsOf } from '../../../protocol/spectcl/display-memory.js';
import { startSimulator, type Simulator } from '../../../simulator/simulator.js';

describe('the contents of a spectrum from the mirror', () => {
  let simulator: Simulator;
  let memory: Buffer;

  before(async () => {
    simulator = await startSimulator({ rate: 0 });
    simulator.step(20_000);
    memory = Buffer.from(simulator.memory);
  });

  after(() => simulator.close());

  for (const dimensions of [1, 2] as const) {
    it(`a ${dimensions}-D spectrum is answered with each channel that is not 0, in SpecTcl's encoding`, async () => {
      const binding = bindings(memory).find(
        (candidate) => candidate.dimensions === dimensions && candidate.name !== 'checksum',
      )!;
      const answer = await contentsAnswer(memory, binding, true);
      expect(answer.contentEncoding).to.equal(dimensions === 2 ? 'deflate' : undefined);
      const text = dimensions === 2 ? inflateRawSync(answer.body) : Buffer.from(answer.body);
      const { status, detail } = JSON.parse(text.toString()) as {
        status: string;
        detail: { xchan: number; ychan?: number; value: number }[];
      };
      const channels = [...channelsOf(memory, binding)];
      const expected = channels.flatMap((value, at) => {
        if (value === 0) return [];
        if (dimensions === 1) return [{ xchan: at, value }];
        return [{ xchan: at % binding.xchans, ychan: Math.floor(at / binding.xchans), value }];
      });
      expect(status).to.equal('OK');
      expect(detail).to.have.length.greaterThan(0);
      expect(detail).to.deep.equal(expected);
    });
  }
});
