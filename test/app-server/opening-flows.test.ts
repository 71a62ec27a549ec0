/** Opening flows at the app server as a program, with stand-ins for duplicators. */
import { expect } from 'chai';
import { eventually } from '../kit/eventually.js';
import {
  EVENTS_OUTPUT as OUTPUT,
  eachTestInSystem,
  kill,
  SPECTRA_INPUT as INPUT,
  stateOf,
  type AppServerSystem,
} from './app-server-system.js';
import { failureOf } from '../kit/failure-of.js';

describe('an app server, when flows are opened', () => {
  let system: AppServerSystem;
  eachTestInSystem((started) => (system = started));

  it('two openings at the same moment start one duplicator', async () => {
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

  it('flow.statistics reads the counters of a running flow', async () => {
    await system.start();
    const { call, token } = await system.client();
    expect((await failureOf(call('flow.statistics', ['spectra']))).code).to.equal('NOT_RUNNING');
    await call('flow.open', [token, INPUT]);
    expect((await call('flow.statistics', ['spectra']))['published']).to.equal(42);
  });

  it('every waiting client gets the reason of a failed start, flow.list shows it, and the next opening tries again', async () => {
    await system.start();
    system.setStandIn('fail');
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
    system.setStandIn('ready');
    await call('flow.open', [token, INPUT]);
    expect(await stateOf({ call })).to.equal('running');
  });

  it('an opening fails with the last words of a duplicator that ended during its start', async () => {
    await system.start();
    system.setStandIn('exit');
    const { call, token } = await system.client();
    const error = await failureOf(call('flow.open', [token, INPUT]));
    expect(error.code).to.equal('START_FAILED');
    expect(error.message).to.include('the stand-in cannot start');
  });

  it('unknown flows, other types and providers of the mirror are refused', async () => {
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

  it('a flow takes one provider, a second one is refused with its name, and consumers can open the flow', async () => {
    await system.start({});
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

  it('a flow of a provider is removed when no client has it open and its duplicator has ended', async () => {
    await system.start({});
    const { call, token } = await system.client();
    const { handle } = await call('flow.open', [token, OUTPUT]);
    await call('flow.close', [token, handle]);
    expect((await call('flow.list', [])).map(({ flow }) => flow)).to.deep.equal(['events']);
    kill(system.starts()[0]!, 'SIGTERM');
    await eventually(async () => (await call('flow.list', [])).length === 0, 'the flow is removed');
  });

  it('a provider with other sizes redefines a flow that no other client has open', async () => {
    await system.start({});
    const { call, token } = await system.client();
    const { handle } = await call('flow.open', [token, OUTPUT]);
    await call('flow.close', [token, handle]);
    await call('flow.open', [token, { ...OUTPUT, buffers: 16 }]);
    expect(await call('flow.inquire', ['events'])).to.deep.include({ buffers: 16, state: 'running' });
    expect(system.starts()).to.have.length(2);
  });
});
