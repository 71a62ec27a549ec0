/**
 * Tests files that Linux refuses to map, in a process whose address space is limited. Starts one
 * process per test.
 */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { TestProcess } from '../../../kit/test-process.js';
import { Place } from './place.js';

describe('a mapping that the system refuses', () => {
  for (const what of ['flow', 'image']) {
    it(`a ${what} that cannot be mapped is a SYSTEM_ERROR, and no temporary file is left`, async () => {
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
