/** Providers that call the app server over HTTP and write through the signal link. */
import { expect } from 'chai';
import { Handshake } from '../../client-lib/link/handshake.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { appTokenPath } from '../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';

/** Half of the time after which a session over HTTP ends by itself. */
const BEFORE_IDLE_MS = 30_000;

describe('a provider over HTTP', () => {
  it('the claim of a provider over HTTP ends with its link', async function () {
    const system = new RealSystem();
    const http = { client: undefined as HttpRpcClient | undefined };
    try {
      await system.startHost('e1');
      const client = await system.client('e1');
      const { port } = await client.appInfo();
      http.client = new HttpRpcClient(
        { host: '127.0.0.1', port },
        { token: readToken(appTokenPath(system.directory, 'e1', 'provide')) ?? '' },
      );
      const call = callerOf(CONTRACT, http.client);
      const { session } = await call('client.present', [
        { name: 'http', program: 'a program', pid: process.pid, version: PROTOCOL_VERSION },
      ]);
      const sizes = { bufferSize: 100, buffers: 4 };
      const request = { flow: 'events', direction: 'output', ...sizes } as const;
      const { link, handle } = await call('flow.open', [session, request]);
      const hello = { role: 'provider', delivery: 'lossless', start: 'latest' } as const;
      const { connection } = await new Handshake(link).join({ client: handle, hello });
      const open = (): Promise<boolean> =>
        client.openOutput('events', sizes).then(
          () => true,
          (error: unknown) => {
            if (isMirrorflowError(error, 'FLOW_BUSY')) return false;
            throw error;
          },
        );
      expect(await open()).to.equal(false);
      connection.destroy();
      await eventually(open, 'another client provides the flow', BEFORE_IDLE_MS);
    } finally {
      http.client?.close();
      await system.stop(this.test?.state === 'failed');
    }
  });
});
