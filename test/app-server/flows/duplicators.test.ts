/**
 * How the app server as a program treats duplicators that die, ask to end, or outlive it; stand-ins
 * for duplicators obey signals.
 */
import { expect } from 'chai';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';
import { appTokenPath } from '../../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import { proveChild } from '../../../protocol/host/process-kit/prove-child.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { eventually } from '../../kit/eventually.js';
import {
  EVENTS_OUTPUT as OUTPUT,
  eachTestInSystem,
  kill,
  isProcessAlive,
  SPECTRA_INPUT as INPUT,
  stateOf,
  type AppServerSystem,
} from '../app-server-system.js';
import { failureOf } from '../../kit/failure-of.js';

/** What the app server answered to the request for a release; undefined until it is written. */
function answerOf(system: AppServerSystem): string | undefined {
  const text = system.read('released');
  return text === '' ? undefined : text;
}

describe('the duplicators of an app server', () => {
  let system: AppServerSystem;
  eachTestInSystem((started) => (system = started));

  describe('the life of duplicators', () => {
    it('a killed duplicator is restarted while a client has its flow open', async () => {
      await system.start();
      const peer = await system.client();
      await peer.call('flow.open', [peer.token, INPUT]);
      kill(system.starts()[0]!, 'SIGKILL');
      await eventually(
        async () => system.starts().length === 2 && (await stateOf(peer)) === 'running',
        'the flow runs again',
      );
      const info = await peer.call('flow.inquire', ['spectra']);
      expect(info).to.deep.include({ restarts: 1, clients: 1, pid: system.starts()[1] });
      expect(info).to.not.have.property('cause');
    });

    it('a killed duplicator without clients is restarted by the next opening of its flow', async () => {
      await system.start();
      const peer = await system.client();
      const { handle } = await peer.call('flow.open', [peer.token, INPUT]);
      await peer.call('flow.close', [peer.token, handle]);
      kill(system.starts()[0]!, 'SIGKILL');
      await eventually(async () => (await stateOf(peer)) === 'idle', 'its death is seen');
      expect(system.starts()).to.have.length(1);
      await peer.call('flow.open', [peer.token, INPUT]);
      expect(system.starts()).to.have.length(2);
    });

    it('a duplicator may not end while a client has its flow open', async () => {
      await system.start();
      const { call, token } = await system.client();
      const { handle } = await call('flow.open', [token, INPUT]);
      kill(system.starts()[0]!, 'SIGUSR2');
      expect(await eventually(() => answerOf(system), 'the answer')).to.equal('false');
      await call('flow.close', [token, handle]);
    });

    it('an opening after a release gets the next duplicator, when the first one has ended', async () => {
      await system.start();
      const peer = await system.client();
      const { handle } = await peer.call('flow.open', [peer.token, INPUT]);
      await peer.call('flow.close', [peer.token, handle]);
      const [first] = system.starts() as [number];
      kill(first, 'SIGUSR2');
      expect(await eventually(() => answerOf(system), 'the answer')).to.equal('true');
      expect(await stateOf(peer)).to.equal('stopping');
      const opening = peer.call('flow.open', [peer.token, INPUT]);
      kill(first, 'SIGHUP');
      await opening;
      expect(system.starts()).to.have.length(2);
      expect(isProcessAlive(first)).to.equal(false);
    });

    it('a process that does not own the flow file is refused as its duplicator', async () => {
      await system.start();
      const { call, session } = await system.client();
      await proveChild(session, appTokenPath(system.directory, 'e1', 'child'));
      const { pid, startTicks, bootId } = ownIdentity();
      const error = await failureOf(
        call('duplicator.subscribe', [
          {
            version: PROTOCOL_VERSION,
            identity: { pid, startTicks: Number(startTicks), bootId: bootId ?? '' },
            application: 'e1',
            flow: 'spectra',
            type: 'spectra',
            file: `${system.flowDirectory}/e1/spectra.flow`,
            link: '/nowhere',
            bufferSize: 1,
            buffers: 2,
          },
        ]),
      );
      expect(error.code).to.equal('REFUSED');
      expect((await failureOf(callerOf(CONTRACT, session)('duplicator.release', []))).code).to.equal(
        'REFUSED',
      );
    });
  });

  describe('adoption', () => {
    async function killAndStartAgain(source?: string): Promise<void> {
      const first = await system.start();
      const before = await system.client();
      await before.call('flow.open', [before.token, INPUT]);
      await before.call('flow.open', [before.token, OUTPUT]);
      await first.kill('SIGKILL');
      expect(system.starts().filter(isProcessAlive)).to.have.length(2);
      await system.start(source === undefined ? undefined : { source });
    }

    it('an app server adopts the duplicators of a killed one without a second start', async () => {
      await killAndStartAgain();
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      await call('flow.open', [token, { flow: 'events', direction: 'input' }]);
      expect(system.starts()).to.have.length(2);
      const flows = await call('flow.list', []);
      expect(flows.map(({ flow, state }) => `${flow} ${state}`)).to.deep.equal([
        'events running',
        'spectra running',
      ]);
      expect(flows[0]).to.deep.include({ bufferSize: 128, buffers: 4 });
    });

    it('an adopted duplicator that dies is restarted', async () => {
      await killAndStartAgain();
      const peer = await system.client();
      await peer.call('flow.open', [peer.token, INPUT]);
      kill((await peer.call('flow.inquire', ['spectra'])).pid ?? 0, 'SIGKILL');
      await eventually(
        async () => system.starts().length === 3 && (await stateOf(peer)) === 'running',
        'the flow runs again',
      );
    });

    it('an app server that ends stops adopted duplicators too', async () => {
      await killAndStartAgain();
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      await call('app.quit', []);
      await eventually(() => system.starts().filter(isProcessAlive).length === 0, 'all have ended');
    });

    it('a duplicator that mirrors another source than configured is replaced', async () => {
      await killAndStartAgain('spectcl://127.0.0.1?rest=10&mirror=10');
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      expect((await call('flow.inquire', ['spectra'])).source).to.include('rest=10');
      expect(system.starts()).to.have.length(3);
    });

    it('no second duplicator is started while the owner of the flow file lives and does not subscribe', async () => {
      const first = await system.start();
      const before = await system.client();
      await before.call('flow.open', [before.token, INPUT]);
      const [owner] = system.starts() as [number];
      kill(owner, 'SIGSTOP');
      await first.kill('SIGKILL');
      await system.start();
      const { call, token } = await system.client();
      const error = await failureOf(call('flow.open', [token, INPUT]));
      expect(error.code).to.equal('FILE_OWNED');
      expect(error.message).to.include(String(owner));
      expect(system.starts()).to.have.length(1);
      kill(owner, 'SIGCONT');
      await eventually(async () => (await stateOf({ call })) === 'running', 'it is adopted');
    });
  });
});
