/** The exported classes of the library have no methods that only the library itself may call. */
import { expect } from 'chai';
import { Client, HostConnection, InputFlow, Mirror, OutputFlow } from '../../client-lib/index.js';

const SESSION_ONLY = ['attach', 'reattach', 'finish', 'endDetached', 'identify', 'open', 'present'];

describe('the public surface of the client library', () => {
  for (const [name, exported] of Object.entries({ Client, HostConnection, InputFlow, Mirror, OutputFlow })) {
    it(`${name} has no methods for the session only`, () => {
      for (const method of SESSION_ONLY) {
        expect(exported, `${name}.${method}`).to.not.have.property(method);
        expect(exported.prototype, `${name}.prototype.${method}`).to.not.have.property(method);
      }
    });
  }
});
