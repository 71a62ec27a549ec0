/** Ending a host server: for programs of its own machine only, however others prove the secret. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Secret } from '../../protocol/rpc/security/secret.js';
import { newCallerNonce, prove } from '../../protocol/rpc/security/proof.js';
import { connectControl } from '../../protocol/rpc/xml-rpc/control-socket.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import { readSecurity, securityFiles } from '../../protocol/rpc/security/options.js';
import { HostServerSystem } from '../host-server/host-server-system.js';
import { rejection } from '../protocol/rpc/xml-rpc/outcome.js';
import { silent } from '../kit/silent-log.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const SECRET = 'a secret of the whole lab';

describe('the end of a host server', () => {
  it('neither another host nor a program with the secret over HTTP ends it, a local one does', async () => {
    const system = new HostServerSystem();
    const files = new TemporaryDirectory();
    try {
      writeFileSync(files.file('secret'), SECRET, { mode: 0o600 });
      const security = readSecurity(securityFiles({ secretFile: files.file('secret') }, {}));
      const server = await system.serve({}, [], { security });
      const target = { host: '127.0.0.1', port: server.port };

      const secret = new Secret(readFileSync(files.file('secret')));
      const options = { context: () => ({ session: undefined }), log: silent };
      const { trust, identity } = security;
      const peer = await connectControl({ scheme: 'tcp', ...target }, { secret, trust, identity }, options);
      expect((await rejection(peer.call('host.quit', [false]))).code).to.equal('NOT_PERMITTED');
      peer.destroy();

      const unproved = new HttpRpcClient(target);
      const callerNonce = newCallerNonce(secret, 'rpc');
      const { nonce } = (await unproved.call('system.challenge', [callerNonce])) as { nonce: Uint8Array };
      const proof = prove(secret, 'caller', { channel: 'rpc', callerNonce, listenerNonce: nonce });
      const { token } = (await unproved.call('system.authenticate', [nonce, proof])) as { token: string };
      unproved.close();
      const proved = new HttpRpcClient(target, { token });
      expect(await proved.call('host.applications', [])).to.deep.equal([]);
      expect((await rejection(proved.call('host.quit', [false]))).message).to.contain('its own machine');
      proved.close();

      const local = new HttpRpcClient(target, { token: system.token('control') });
      expect(await local.call('host.quit', [false])).to.equal(true);
      local.close();
      await server.ended;
    } finally {
      await system.stop();
      files.remove();
    }
  });
});
