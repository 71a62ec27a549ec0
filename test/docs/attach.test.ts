/** The table of error numbers for programs in other languages is that of the code. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ERROR_CODES } from '../../protocol/base/errors.js';

describe('docs/attach.md', () => {
  it('its error numbers are those of the code', () => {
    const page = readFileSync(new URL('../../../docs/attach.md', import.meta.url), 'utf8');
    const found = [...page.matchAll(/`([A-Z_]+)`\s*\|\s*(-?\d+)/g)].map(([, code, number]) => [
      code,
      Number(number),
    ]);
    expect(Object.fromEntries(found)).to.deep.equal(ERROR_CODES);
  });
});
