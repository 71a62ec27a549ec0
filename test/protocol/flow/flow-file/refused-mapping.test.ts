/** Files whose mapping the system refuses, in a process with a limit on its address space. */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';
import { Place } from './place.js';

describe('a mapping that the system refuses', () => {
  for (const what of ['flow', 'image']) {
    it(`is a SYSTEM_ERROR, and leaves no temporary file of the ${what}`, async () => {
      const place = new Place();
      const program = new TestProcess('test/fixtures/refused-mapping', [what, place.file(what)]);
      try {
        expect(await program.line()).to.equal('SYSTEM_ERROR');
        expect(readdirSync(place.path)).to.deep.equal([]);
      } finally {
        await program.kill();
        place.remove();
      }
    });
  }
});
