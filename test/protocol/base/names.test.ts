/** Names of applications, flows and clients, for any text. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { checkName, isName } from '../../../protocol/base/names.js';

describe('names', () => {
  it('a name is 1 to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit', () => {
    for (const good of ['a', '7', 'e23001', 'A.b_c-d', 'x'.repeat(64)])
      expect(checkName('flow', good)).to.equal(good);
    for (const bad of [
      '',
      '.a',
      '-a',
      '_a',
      'a b',
      'a/b',
      '..',
      'é',
      'a\n',
      'x'.repeat(65),
      5,
      undefined,
      null,
      {},
    ])
      expect(() => checkName('flow', bad)).to.throw('is not a name of a flow');
  });

  it('a name used as a path component never leaves its directory', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (isName(text))
          expect(text)
            .to.match(/^[^/\0]+$/)
            .and.not.match(/^\.\.?$/);
      }),
    );
  });
});
