/** The connection of an app server to a host server, with a stand-in for the host server. */
import { expect } from 'chai';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import type { AppServerReady, StartFailure } from '../../../protocol/rpc/contract/shapes.js';
import { hostSocketPath, hostTokenPath } from '../../../protocol/base/paths.js';
import { LAUNCH_VARIABLE } from '../../../protocol/host/process-kit/child.js';
import { ensureToken } from '../../../protocol/rpc/security/token-file.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../../protocol/rpc/xml-rpc/dispatcher.js';
import { SessionServer } from '../../../protocol/rpc/xml-rpc/session-server.js';
import { eventually } from '../../kit/eventually.js';
import { AppServerSystem } from '../app-server-system.js';
import { silent } from '../../kit/silent-log.js';

/** Takes subscriptions and failures of app servers, as a host server does. */
class StandInHost {
  readonly subscribed: AppServerReady[] = [];
  readonly failures: StartFailure[] = [];
  readonly #server: SessionServer;
  #token = '';

  constructor() {
    this.#server = new SessionServer<undefined>({
      dispatcher: new Dispatcher<typeof CONTRACT, undefined>(
        CONTRACT,
        {
          'child.prove': ([token]) => token === this.#token,
          'host.subscribe': ([ready]) => {
            this.subscribed.push(ready);
            return { adopted: false };
          },
          'child.failed': ([failure]) => this.failures.push(failure) > 0,
        },
        { log: silent, granted: () => 'child' },
      ),
      context: () => undefined,
      log: silent,
    });
  }

  async listen(directory: string): Promise<void> {
    this.#token = ensureToken(hostTokenPath(directory, 'child'), () => undefined);
    await this.#server.listen({ path: hostSocketPath(directory, 'control') });
  }

  /** Ends as a killed process does: closes nothing in order. */
  async kill(): Promise<void> {
    for (const session of this.#server.sessions) session.destroy();
    await this.#server.close();
  }

  async quitApplication(): Promise<void> {
    for (const session of this.#server.sessions) await callerOf(CONTRACT, session)('app.quit', []);
  }
}

describe('app server and host server', () => {
  let system: AppServerSystem;
  let host: StandInHost;

  beforeEach(async () => {
    system = new AppServerSystem();
    host = new StandInHost();
    await host.listen(system.directory);
  });

  afterEach(async () => {
    await host.kill();
    await system.stop();
  });

  it('an app server subscribes with its launch token when it is ready, and takes calls on that connection', async () => {
    const server = system.spawn({}, 'e1', { [LAUNCH_VARIABLE]: 'token' });
    const ready = await eventually(() => host.subscribed[0], 'it subscribes');
    expect(ready).to.include({ launch: 'token', name: 'e1', port: system.record()?.port });
    expect(ready.identity.pid).to.equal(server.pid);
    await host.quitApplication();
    expect(await server.end()).to.equal(0);
  });

  it('an app server continues without a host server and subscribes with the next one', async () => {
    const server = await system.start({});
    await eventually(() => host.subscribed.length > 0, 'it subscribes');
    await host.kill();
    const { call } = await system.client();
    await eventually(async () => !(await call('app.info', [])).hostServer, 'it has noticed');
    host = new StandInHost();
    await host.listen(system.directory);
    await eventually(() => host.subscribed.length > 0, 'it subscribes again');
    await eventually(async () => (await call('app.info', [])).hostServer, 'it says so');
    expect(server.hasEnded).to.equal(false);
  });

  it('the host server gets the reason why an app server cannot start', async () => {
    await system.start({});
    const second = system.spawn({}, 'e1', { [LAUNCH_VARIABLE]: 'token' });
    expect(await second.end()).to.equal(1);
    expect(host.failures).to.have.length(1);
    expect(host.failures[0]).to.include({ launch: 'token', code: 'ALREADY_RUNNING' });
  });
});
