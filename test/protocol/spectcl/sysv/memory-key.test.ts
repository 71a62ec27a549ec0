/** Memory keys of SpecTcl in all their forms. Pure. */
import { expect } from 'chai';
import {
  KEYS_MAX,
  keyNumber,
  keysFor,
  parseMemoryKey,
} from '../../../../protocol/spectcl/sysv/memory-key.js';

describe('memory keys', () => {
  it('a memory key is four characters as the bytes of a number, the first the lowest', () => {
    expect(keyNumber('XA7c')).to.equal(0x63374158);
    expect(keyNumber('~~~~')).to.equal(0x7e7e7e7e);
    for (const key of ['', 'XA7', 'XA7cc', 'XA 7', 'XA\u00e97'])
      expect(() => keyNumber(key)).to.throw(/memory key/);
  });

  it('a memory key is parsed in every form that servers send', () => {
    expect(parseMemoryKey('XA7c')).to.deep.equal({ kind: 'sysv', key: 'XA7c' });
    expect(parseMemoryKey('sysv:XA7c')).to.deep.equal({ kind: 'sysv', key: 'XA7c' });
    expect(parseMemoryKey('file:/a b')).to.deep.equal({ kind: 'file', path: '/a b' });
    expect(parseMemoryKey('posix:/name')).to.deep.equal({ kind: 'posix', name: '/name' });
    expect(parseMemoryKey('nonsense')).to.equal(undefined);
  });

  it('the keys of an application are all keys, starting at one that depends on its name', () => {
    const keys = keysFor('e23001');
    expect(new Set(keys).size).to.equal(KEYS_MAX);
    for (const key of keys) expect(key).to.match(/^XA[0-9a-f]{2}$/);
    expect(keysFor('e23001')).to.deep.equal(keys);
  });
});
