import { expect } from 'chai';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import {
  eventually,
  EVENTS_OUTPUT as OUTPUT,
  exitOf,
  failureOf,
  inSystems,
  lives,
  presentation,
  SOURCE,
  SPECTRA_INPUT as INPUT,
  type TestSystem,
} from './test-system.js';

describe('app server', () => {
  let system: TestSystem;
  inSystems((fresh) => (system = fresh));

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
      const second = system.spawn({});
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
      await system.start({}, 'other');
      const port = system.record('other')?.port;
      const server = system.spawn({ port: port ?? 0 });
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
});
