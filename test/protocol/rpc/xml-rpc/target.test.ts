/** The paths of sockets: which ones a system does not truncate. Pure. */
import { expect } from 'chai';
import { LIMITS } from '../../../../protocol/base/limits.js';
import { checkPath } from '../../../../protocol/rpc/xml-rpc/target.js';

describe('the path of a socket', () => {
  it('is accepted up to the length that the system keeps, in bytes, without a NUL', () => {
    const most = LIMITS.unixSocketPathBytes;
    for (const path of ['/', '/'.padEnd(most, 'a')]) checkPath({ path });
    checkPath({ host: '127.0.0.1', port: 1 });
    for (const path of ['', '/'.padEnd(most + 1, 'a'), '/'.padEnd(most, 'é'), '/a\0b'])
      expect(() => checkPath({ path }), path).to.throw(`it must have 1 to ${most}`);
  });
});
