/** The table of sessions with a manual clock. */
import { expect } from 'chai';
import { Clients } from '../../../app-server/clients/clients.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import type { Caller } from '../../../protocol/rpc/xml-rpc/contract.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { presentation } from '../app-server-system.js';

const silentCaller = (): Caller => ({ call: () => Promise.reject(new Error('no call is expected')) });

describe('clients', () => {
  let clock: ManualClock;
  let ended: string[];
  let clients: Clients;

  beforeEach(() => {
    clock = new ManualClock();
    ended = [];
    clients = new Clients(clock, ({ presentation }) => ended.push(presentation.name));
  });

  it('a session with a connection ends when the connection closes, however long it is idle', () => {
    const connection = silentCaller();
    const { session } = clients.present(presentation('viewer'), connection);
    clients.present(presentation('other'), silentCaller());
    clock.advance(10 * LIMITS.rpcHttpSessionIdleMs);
    expect(clients.calling(session).presentation.name).to.equal('viewer');
    clients.connectionClosed(connection);
    expect(ended).to.deep.equal(['viewer']);
    expect(() => clients.calling(session)).to.throw('no such session');
  });

  it('a session over HTTP ends when the idle time has passed since its last call', () => {
    const { session } = clients.present(presentation('plain'), undefined);
    clock.advance(LIMITS.rpcHttpSessionIdleMs - 1);
    clients.calling(session);
    clock.advance(LIMITS.rpcHttpSessionIdleMs - 1);
    expect(ended).to.deep.equal([]);
    clock.advance(1);
    expect(ended).to.deep.equal(['plain']);
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('session tokens are 128 random bits', () => {
    const tokens = ['a', 'a'].map((name) => clients.present(presentation(name), undefined).session);
    expect(tokens[0]).to.match(/^[0-9a-f]{32}$/);
    expect(tokens[0]).to.not.equal(tokens[1]);
  });

  it('a client leaves once; its session is unknown afterwards', () => {
    const { session } = clients.present(presentation('viewer'), undefined);
    clients.leave(session);
    expect(() => clients.leave(session)).to.throw('no such session');
    expect(ended).to.deep.equal(['viewer']);
    expect(clock.delaysMs).to.deep.equal([]);
  });
});
