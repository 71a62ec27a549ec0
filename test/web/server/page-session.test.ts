/** What a page receives when it opens an application, and how often its subscriptions change. */
import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import type { WebSocket } from 'ws';
import { PageSession } from '../../../web/server/page-session.js';
import { SpectrumCache } from '../../../web/server/spectrum-cache.js';
import { pageServices } from './page-services.js';

describe('the session of a page', () => {
  let socket: EventEmitter & { readyState: number };
  let watch: EventEmitter & { listIsKnown: boolean; cache: SpectrumCache };
  let sent: Record<string, unknown>[];
  let refreshes: number;

  beforeEach(() => {
    sent = [];
    refreshes = 0;
    socket = Object.assign(new EventEmitter(), {
      readyState: 1,
      OPEN: 1,
      bufferedAmount: 0,
      send: (text: string) => sent.push(JSON.parse(text) as Record<string, unknown>),
      close: () => (socket.readyState = 2),
    });
    watch = Object.assign(new EventEmitter(), {
      app: 'e1',
      status: { app: 'e1', state: 'live' },
      list: [],
      listIsKnown: true,
      gates: [],
      replay: { replay: undefined },
      cache: new SpectrumCache(),
      run: {},
      enter: () => () => undefined,
      refresh: () => (refreshes += 1),
    });
    const sender = { signedIn: false, packsFrames: false };
    void new PageSession(socket as unknown as WebSocket, sender, pageServices(watch));
  });

  afterEach(() => socket.emit('close'));

  const receive = (message: unknown): void => {
    socket.emit('message', Buffer.from(JSON.stringify(message)), false);
  };

  it('a page receives the list of an application without spectra, but none that was not read', () => {
    receive({ kind: 'app', app: 'e1' });
    expect(sent.filter(({ kind }) => kind === 'list')).to.deep.equal([
      { kind: 'list', app: 'e1', spectra: [] },
    ]);
    sent = [];
    receive({ kind: 'app', app: null });
    watch.listIsKnown = false;
    receive({ kind: 'app', app: 'e1' });
    expect(sent.map(({ kind }) => kind)).to.deep.equal(['status', 'calibrations', 'layouts']);
  });

  it('a hundred lists of subscriptions at once are carried out as two', async () => {
    receive({ kind: 'app', app: 'e1' });
    const show = (name: string): void =>
      receive({ kind: 'show', subscriptions: [{ id: 1, spectrum: name, columns: 10, rows: 10 }] });
    const carriedOut = new Promise<void>((resolve) => {
      const { cache } = watch;
      const acquire = cache.acquire.bind(cache);
      cache.acquire = (name) => {
        if (name === 'last') resolve();
        return acquire(name);
      };
    });
    for (let count = 0; count < 99; count += 1) show(`spectrum ${count}`);
    show('last');
    await carriedOut;
    expect(refreshes).to.equal(2);
    expect(watch.cache.size).to.equal(1);
  });

  it('a page shows at most twelve moments at once', () => {
    receive({ kind: 'app', app: 'e1' });
    const refused = (): unknown[] =>
      sent.flatMap(({ kind, id, reason }) =>
        kind === 'missing' && /at most 12 moments/.test(String(reason)) ? [id] : [],
      );
    const view = (id: number, atMs: number) => ({ id, spectrum: 'tof', columns: 10, rows: 10, atMs });
    const moments = Array.from({ length: 12 }, (_, id) => view(id, 1_000 + id));
    // The same moment twice counts once.
    receive({ kind: 'show', subscriptions: [...moments, view(20, 1_000), view(21, 2_000)] });
    expect(refused()).to.deep.equal([21]);
  });
});
