/** The state of the data: the same text in header, plots and network page. */
import { expect } from 'chai';
import { dataState, networkStateText } from '../../../web/view/data-state.js';
import type { WatchStatus } from '../../../web/wire/application.js';

const NOW = 1_000_000;
const LIVE: WatchStatus = { app: 'e1', state: 'live', sinceMs: 0, dataMs: NOW - 12_000, rate: 9.94 };

describe('the state of the data that a page shows', () => {
  it('live data have their rate of updates', () => {
    expect(dataState({ connected: true, paused: false, status: LIVE }, NOW)).to.deep.equal({
      kind: 'live',
      label: 'live',
      detail: '9.9 updates per second',
    });
  });

  it('stale data have their age, not that of the state, and the whole cause', () => {
    const cause = 'the connection to 127.0.0.1:8000 was refused '.repeat(5).trim();
    const status: WatchStatus = { ...LIVE, state: 'stale', sinceMs: NOW - 1_000, cause };
    const { kind, detail } = dataState({ connected: true, paused: false, status }, NOW);
    expect(kind).to.equal('stale');
    expect(detail).to.equal(`SpecTcl does not answer. The data shown are 12.0 s old. Cause: ${cause}`);
  });

  it('a page without its server says so whatever the source did, with the age of what it shows', () => {
    const { kind, label, detail } = dataState(
      { connected: false, paused: true, status: LIVE },
      NOW,
      NOW - 70_000,
    );
    expect([kind, label]).to.deep.equal(['unreachable', 'viewer unreachable']);
    expect(detail).to.contain('The data shown are 1m 10s old.');
  });

  it('a paused page says paused and not live; a stale source stays stale', () => {
    expect(dataState({ connected: true, paused: true, status: LIVE }, NOW).kind).to.equal('paused');
    const stale: WatchStatus = { ...LIVE, state: 'stale' };
    expect(dataState({ connected: true, paused: true, status: stale }, NOW).kind).to.equal('stale');
  });

  it('the network page has the text of the header for the application, and none while data are live', () => {
    const text = (status: WatchStatus | undefined, paused = false, connected = true): string =>
      networkStateText('e1', dataState({ connected, paused, status }, NOW));
    expect(text(LIVE)).to.equal('');
    expect(text(undefined)).to.equal('');
    expect(text(LIVE, true)).to.equal('e1: the plots are paused; this page is not.');
    expect(text({ ...LIVE, state: 'stale', cause: 'no route' }, true)).to.equal(
      'e1: SpecTcl does not answer. The data shown are 12.0 s old. Cause: no route',
    );
    expect(text({ ...LIVE, state: 'stopped', cause: 'it was stopped' })).to.match(/^e1: it was stopped/);
    expect(text(LIVE, true, false)).to.match(/^The server of the web viewer does not answer/);
  });
});
