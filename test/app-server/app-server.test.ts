/**
 * The app server as a program, with stand-ins for duplicators: start, end, and the sessions of its
 * clients.
 */
import { expect } from 'chai';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { eventually } from '../kit/eventually.js';
import {
  EVENTS_OUTPUT as OUTPUT,
  eachTestInSystem,
  isProcessAlive,
  presentation,
  SOURCE,
  SPECTRA_INPUT as INPUT,
  type AppServerSystem,
} from './app-server-system.js';
import { failureOf } from '../kit/failure-of.js';

describe('app server', () => {
  let system: AppServerSystem;
  eachTestInSystem((started) => (system = started));

  describe('start and end', () => {
    it('an app server answers app.info alike on its socket and over HTTP', async () => {
      const server = await system.start();
      const { call } = await system.client();
      const info = await call('app.info', []);
      expect(info).to.include({ name: 'e1', pid: server.pid, source: SOURCE, hostServer: false });
      const http = system.http(info.port);
      expect(await callerOf(CONTRACT, http)('app.info', [])).to.deep.equal(info);
      http.close();
    });

    it('a second app server of the same name is refused with the process id of the first', async () => {
      const first = await system.start();
      const second = system.spawn({});
      expect(await second.end()).to.equal(1);
      expect(second.errors).to.include('ALREADY_RUNNING').and.to.include(String(first.pid));
      expect(system.record()?.pid).to.equal(first.pid);
    });

    it('an app server takes the name over from a killed one', async () => {
      const first = await system.start();
      await first.kill('SIGKILL');
      const second = await system.start();
      expect(system.record()?.pid).to.equal(second.pid);
    });

    it('an app server whose port is in use ends with ADDRESS_IN_USE and releases the name', async () => {
      await system.start({}, 'other');
      const port = system.record('other')?.port;
      const server = system.spawn({ port: port ?? 0 });
      expect(await server.end()).to.equal(1);
      expect(server.errors).to.include('ADDRESS_IN_USE');
      expect(system.record()).to.equal(undefined);
    });

    it('an app server leaves no process and no file behind after SIGTERM', async () => {
      const server = await system.start();
      const { call, token } = await system.client();
      await call('flow.open', [token, INPUT]);
      expect(await server.kill('SIGTERM')).to.equal(0);
      expect(system.starts().filter(isProcessAlive)).to.deep.equal([]);
      expect(system.remainingFiles()).to.deep.equal([]);
    });

    it('an app server answers app.quit and ends, even with a duplicator that ignores SIGTERM', async () => {
      const server = await system.start();
      system.setStandIn('hang');
      const { call, token } = await system.client();
      const opening = failureOf(call('flow.open', [token, INPUT]));
      await eventually(() => system.starts().length > 0, 'the duplicator is started');
      expect(await call('app.quit', [])).to.equal(true);
      expect((await opening).code).to.equal('STOPPED');
      expect(await server.end()).to.equal(0);
      expect(system.starts().filter(isProcessAlive)).to.deep.equal([]);
    });
  });

  describe('clients', () => {
    it('two clients of the same name are two entries of client.list', async () => {
      await system.start();
      const first = await system.client();
      const second = await system.client();
      expect(first.token).to.not.equal(second.token);
      const names = (await first.call('client.list', [])).map(({ name }) => name);
      expect(names).to.deep.equal(['viewer', 'viewer']);
    });

    it('a client of another protocol version is refused with both versions', async () => {
      await system.start();
      const { call } = await system.client();
      const error = await failureOf(call('client.present', [{ ...presentation('old'), version: 99 }]));
      expect(error.code).to.equal('VERSION_MISMATCH');
      expect(error.message).to.match(/version 99\b.*version 2\b/);
    });

    it('all openings of a session are released when its connection closes', async () => {
      await system.start();
      const stays = await system.client('stays');
      const goes = await system.client('goes');
      await goes.call('flow.open', [goes.token, INPUT]);
      await goes.call('flow.open', [goes.token, OUTPUT]);
      expect((await stays.call('flow.inquire', ['spectra'])).clients).to.equal(1);
      goes.session.destroy();
      await eventually(
        async () => (await stays.call('client.list', [])).length === 1,
        'the session has ended',
      );
      expect((await stays.call('flow.inquire', ['spectra'])).clients).to.equal(0);
      const error = await failureOf(stays.call('flow.close', [goes.token, 1]));
      expect(error.code).to.equal('UNKNOWN_SESSION');
      await stays.call('flow.open', [stays.token, OUTPUT]);
    });

    it('a plain HTTP client presents itself, opens and closes a flow, and leaves', async () => {
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
