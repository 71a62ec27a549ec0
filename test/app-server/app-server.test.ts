import { expect } from 'chai';
import { CONTRACT } from '../../protocol/contract/methods.js';
import { ownIdentity, isAlive } from '../../protocol/owner-identity.js';
import { callerOf } from '../../protocol/xml-rpc/contract.js';
import {
  eventually,
  exitOf,
  failureOf,
  kill,
  presentation,
  SOURCE,
  TestSystem,
  type Peer,
} from './test-system.js';

const INPUT = { flow: 'spectra', direction: 'input' } as const;
const OUTPUT = { flow: 'events', direction: 'output', bufferSize: 128, buffers: 4 } as const;

function lives(pid: number): boolean {
  return isAlive({ pid, startTicks: 0n, bootId: ownIdentity().bootId });
}

describe('app server', () => {
  let system: TestSystem;

  beforeEach(() => {
    system = new TestSystem();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${system.logs()}\n`);
    await system.stop();
  });

  const stateOf = async ({ call }: Peer, flow = 'spectra') => (await call('flow.inquire', [flow])).state;

  describe('start and end', () => {
    it('says what it is, over its socket and over HTTP alike', async () => {
      const server = await system.start();
      const { call } = await system.client();
      const info = await call('app.info', []);
      expect(info).to.include({ name: 'e1', pid: server.pid, source: SOURCE, hostServer: false });
      const http = system.http(info.port);
      expect(await callerOf(CONTRACT, http)('app.info', [])).to.deep.equal(info);
      http.close();
    });

    it('refuses a second one of the same name, naming the process', async () => {
      const first = await system.start();
      const second = system.spawn([]);
      expect(await exitOf(second)).to.equal(1);
      expect(system.log(second)).to.include('ALREADY_RUNNING').and.to.include(String(first.pid));
      expect(system.record()?.pid).to.equal(first.pid);
    });

    it('takes the name over from one that was killed', async () => {
      const first = await system.start();
      first.kill('SIGKILL');
      await exitOf(first);
      const second = await system.start();
      expect(system.record()?.pid).to.equal(second.pid);
    });

    it('ends with a clear error when its port is taken, and gives the name up', async () => {
      await system.start([], 'other');
      const port = system.record('other')?.port;
      const server = system.spawn(['--port', String(port)]);
      expect(await exitOf(server)).to.equal(1);
      expect(system.log(server)).to.include('ADDRESS_IN_USE');
      expect(system.record()).to.equal(undefined);
    });

    it('leaves nothing behind after SIGTERM', async () => {
      const server = await system.start();
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      server.kill('SIGTERM');
      expect(await exitOf(server)).to.equal(0);
      expect(system.starts().filter(lives)).to.deep.equal([]);
      expect(system.leftovers()).to.deep.equal([]);
    });

    it('answers app.quit and ends, with a duplicator that does not listen to SIGTERM too', async () => {
      const server = await system.start();
      system.standIn('hang');
      const { call, token } = await system.client();
      const opening = failureOf(call('flow.open', [token, INPUT]));
      await eventually('the duplicator is started', () => system.starts().length > 0);
      expect(await call('app.quit', [])).to.equal(true);
      expect((await opening).code).to.equal('STOPPED');
      expect(await exitOf(server)).to.equal(0);
      expect(system.starts().filter(lives)).to.deep.equal([]);
    });
  });

  describe('clients', () => {
    it('lists clients of the same name as the two that they are', async () => {
      await system.start();
      const first = await system.client();
      const second = await system.client();
      expect(first.token).to.not.equal(second.token);
      const names = (await first.call('client.list', [])).map(({ name }) => name);
      expect(names).to.deep.equal(['viewer', 'viewer']);
    });

    it('refuses another protocol version, naming both', async () => {
      await system.start();
      const { call } = await system.client();
      const error = await failureOf(call('client.present', [{ ...presentation('old'), version: 99 }]));
      expect(error.code).to.equal('VERSION_MISMATCH');
      expect(error.message).to.match(/version 99\b.*version 1\b/);
    });

    it('releases all that a session had open when its connection closes', async () => {
      await system.start();
      const stays = await system.client('stays');
      const goes = await system.client('goes');
      await goes.call('flow.open', [goes.token, INPUT]);
      await goes.call('flow.open', [goes.token, OUTPUT]);
      expect((await stays.call('flow.inquire', ['spectra'])).clients).to.equal(1);
      goes.session.destroy();
      await eventually(
        'the session has ended',
        async () => (await stays.call('client.list', [])).length === 1,
      );
      expect((await stays.call('flow.inquire', ['spectra'])).clients).to.equal(0);
      const error = await failureOf(stays.call('flow.close', [goes.token, 1]));
      expect(error.code).to.equal('UNKNOWN_SESSION');
      await stays.call('flow.open', [stays.token, OUTPUT]);
    });

    it('serves a plain HTTP client', async () => {
      await system.start();
      const http = system.http(system.record()?.port);
      const call = callerOf(CONTRACT, http);
      const { session } = await call('client.present', [presentation('plain')]);
      const { handle } = await call('flow.open', [session, INPUT]);
      expect((await call('client.list', []))[0]).to.deep.include({
        name: 'plain',
        connected: false,
        flows: [{ flow: 'spectra', direction: 'input' }],
      });
      expect(await call('flow.close', [session, handle])).to.equal(true);
      expect(await call('client.leave', [session])).to.equal(true);
      expect((await failureOf(call('flow.close', [session, handle]))).code).to.equal('UNKNOWN_SESSION');
      http.close();
    });
  });

  describe('opening flows', () => {
    it('starts one duplicator for two that open at the same moment', async () => {
      await system.start();
      const [first, second] = [await system.client('first'), await system.client('second')];
      const opened = await Promise.all([
        first.call('flow.open', [first.token, INPUT]),
        second.call('flow.open', [second.token, INPUT]),
      ]);
      expect(opened[0].file).to.equal(opened[1].file);
      expect(opened[0].handle).to.not.equal(opened[1].handle);
      expect(system.starts()).to.have.length(1);
      expect(await first.call('flow.inquire', ['spectra'])).to.deep.include({
        state: 'running',
        sourceState: 'live',
        clients: 2,
        pid: system.starts()[0],
      });
    });

    it('reads the counters of a running flow', async () => {
      await system.start();
      const { call, token } = await system.client();
      expect((await failureOf(call('flow.statistics', ['spectra']))).code).to.equal('NOT_RUNNING');
      await call('flow.open', [token, INPUT]);
      expect((await call('flow.statistics', ['spectra']))['published']).to.equal(42);
    });

    it('tells everybody who waits why a duplicator cannot start, remembers it, and tries again', async () => {
      await system.start();
      system.standIn('fail');
      const { call, token } = await system.client();
      const failures = await Promise.all([
        failureOf(call('flow.open', [token, INPUT])),
        failureOf(call('flow.open', [token, INPUT])),
      ]);
      for (const error of failures) {
        expect(error.code).to.equal('SOURCE_UNREACHABLE');
        expect(error.message).to.equal('no SpecTcl at all');
      }
      expect(system.starts()).to.have.length(1);
      const [info] = await call('flow.list', []);
      expect(info).to.deep.include({ state: 'failed', cause: 'no SpecTcl at all', clients: 0 });
      system.standIn('ready');
      await call('flow.open', [token, INPUT]);
      expect(await stateOf({ call } as Peer)).to.equal('running');
    });

    it('passes on what a duplicator that just ended has said', async () => {
      await system.start();
      system.standIn('exit');
      const { call, token } = await system.client();
      const error = await failureOf(call('flow.open', [token, INPUT]));
      expect(error.code).to.equal('START_FAILED');
      expect(error.message).to.include('the stand-in has had enough');
    });

    it('refuses flows that there are not, other types, and providers for the mirror', async () => {
      await system.start();
      const { call, token } = await system.client();
      const open = (request: object) => failureOf(call('flow.open', [token, { ...INPUT, ...request }]));
      const unknown = await open({ flow: 'nothing' });
      expect(unknown.code).to.equal('UNKNOWN_FLOW');
      expect(unknown.message).to.include('spectra');
      const wrong = await open({ type: 'events' });
      expect(wrong.code).to.equal('WRONG_FLOW_TYPE');
      expect(wrong.message).to.include('spectra').and.to.include('events');
      expect((await open({ direction: 'output' })).code).to.equal('REFUSED');
      expect((await open({ flow: 'new', direction: 'output' })).code).to.equal('BAD_OPTION');
      expect(system.starts()).to.deep.equal([]);
    });

    it('takes one provider for a flow and names it to the second; consumers find the flow', async () => {
      await system.start([]);
      const provider = await system.client('detector');
      const other = await system.client('other');
      const opened = await provider.call('flow.open', [provider.token, OUTPUT]);
      expect(opened.type).to.equal('bytes');
      const busy = await failureOf(other.call('flow.open', [other.token, OUTPUT]));
      expect(busy.code).to.equal('FLOW_BUSY');
      expect(busy.message).to.include('detector');
      await other.call('flow.open', [other.token, { flow: 'events', direction: 'input' }]);
      const info = await other.call('flow.inquire', ['events']);
      expect(info).to.deep.include({ bufferSize: 128, buffers: 4, clients: 2, state: 'running' });
    });

    it('forgets a flow of a provider when nobody has it open and its duplicator has ended', async () => {
      await system.start([]);
      const { call, token } = await system.client();
      const { handle } = await call('flow.open', [token, OUTPUT]);
      await call('flow.close', [token, handle]);
      expect((await call('flow.list', [])).map(({ flow }) => flow)).to.deep.equal(['events']);
      kill(system.starts()[0]!, 'SIGTERM');
      await eventually('the flow is forgotten', async () => (await call('flow.list', [])).length === 0);
    });

    it('defines a flow anew for a provider with other sizes, when nobody else has it open', async () => {
      await system.start([]);
      const { call, token } = await system.client();
      const { handle } = await call('flow.open', [token, OUTPUT]);
      await call('flow.close', [token, handle]);
      await call('flow.open', [token, { ...OUTPUT, buffers: 16 }]);
      expect(await call('flow.inquire', ['events'])).to.deep.include({ buffers: 16, state: 'running' });
      expect(system.starts()).to.have.length(2);
    });
  });

  describe('the life of duplicators', () => {
    it('starts a killed one again while somebody has the flow open', async () => {
      await system.start();
      const peer = await system.client();
      await peer.call('flow.open', [peer.token, INPUT]);
      kill(system.starts()[0]!, 'SIGKILL');
      await eventually(
        'the flow runs again',
        async () => system.starts().length === 2 && (await stateOf(peer)) === 'running',
      );
      const info = await peer.call('flow.inquire', ['spectra']);
      expect(info).to.deep.include({ restarts: 1, clients: 1, pid: system.starts()[1] });
      expect(info).to.not.have.property('cause');
    });

    it('does not start a killed one again when nobody has the flow open, until somebody has', async () => {
      await system.start();
      const peer = await system.client();
      const { handle } = await peer.call('flow.open', [peer.token, INPUT]);
      await peer.call('flow.close', [peer.token, handle]);
      kill(system.starts()[0]!, 'SIGKILL');
      await eventually('its death is seen', async () => (await stateOf(peer)) === 'idle');
      expect(system.starts()).to.have.length(1);
      await peer.call('flow.open', [peer.token, INPUT]);
      expect(system.starts()).to.have.length(2);
    });

    it('keeps one that asks to end while somebody has the flow open', async () => {
      await system.start();
      const { call, token } = await system.client();
      const { handle } = await call('flow.open', [token, INPUT]);
      kill(system.starts()[0]!, 'SIGUSR2');
      expect(await eventually('the answer', () => system.read('released'))).to.equal('false');
      await call('flow.close', [token, handle]);
    });

    it('sends whoever opens after a release to the next one, when the first has ended', async () => {
      await system.start();
      const peer = await system.client();
      const { handle } = await peer.call('flow.open', [peer.token, INPUT]);
      await peer.call('flow.close', [peer.token, handle]);
      const [first] = system.starts() as [number];
      kill(first, 'SIGUSR2');
      expect(await eventually('the answer', () => system.read('released'))).to.equal('true');
      expect(await stateOf(peer)).to.equal('stopping');
      const opening = peer.call('flow.open', [peer.token, INPUT]);
      kill(first, 'SIGHUP');
      await opening;
      expect(system.starts()).to.have.length(2);
      expect(lives(first)).to.equal(false);
    });

    it('refuses to take one over that does not own the flow', async () => {
      await system.start();
      const { call, session } = await system.client();
      const { pid, startTicks, bootId } = ownIdentity();
      const error = await failureOf(
        call('duplicator.subscribe', [
          {
            version: 1,
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
    async function killAndStartAgain(args?: readonly string[]): Promise<void> {
      const first = await system.start();
      const before = await system.client();
      await before.call('flow.open', [before.token, INPUT]);
      await before.call('flow.open', [before.token, OUTPUT]);
      first.kill('SIGKILL');
      await exitOf(first);
      expect(system.starts().filter(lives)).to.have.length(2);
      await system.start(args);
    }

    it('takes over what a killed one has left running: no second start, all is seen', async () => {
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

    it('starts an adopted one again when it dies', async () => {
      await killAndStartAgain();
      const peer = await system.client();
      await peer.call('flow.open', [peer.token, INPUT]);
      kill((await peer.call('flow.inquire', ['spectra'])).pid ?? 0, 'SIGKILL');
      await eventually(
        'the flow runs again',
        async () => system.starts().length === 3 && (await stateOf(peer)) === 'running',
      );
    });

    it('stops adopted ones when it ends', async () => {
      await killAndStartAgain();
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      await call('app.quit', []);
      await eventually('all have ended', () => system.starts().filter(lives).length === 0);
    });

    it('replaces one that mirrors another source', async () => {
      await killAndStartAgain(['--source', 'spectcl://127.0.0.1?rest=10&mirror=10']);
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      expect((await call('flow.inquire', ['spectra'])).source).to.include('rest=10');
      expect(system.starts()).to.have.length(3);
    });

    it('does not start a second one beside an owner that never subscribes', async () => {
      const first = await system.start();
      const before = await system.client();
      await before.call('flow.open', [before.token, INPUT]);
      const [owner] = system.starts() as [number];
      kill(owner, 'SIGSTOP');
      first.kill('SIGKILL');
      await exitOf(first);
      await system.start();
      const { call, token } = await system.client();
      const error = await failureOf(call('flow.open', [token, INPUT]));
      expect(error.code).to.equal('FILE_OWNED');
      expect(error.message).to.include(String(owner));
      expect(system.starts()).to.have.length(1);
      kill(owner, 'SIGCONT');
      await eventually('it is adopted', async () => (await stateOf({ call } as Peer)) === 'running');
    });
  });
});
