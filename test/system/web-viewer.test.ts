/**
 * The web viewer of a real system, without a browser: one reader for any number of pages, and pages
 * that stay open for long.
 */
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { SpectraView } from '../../client-lib/index.js';
import { AppLink } from '../../web/server/app-link.js';
import { AppWatch } from '../../web/server/app-watch.js';
import { decodeFrame, type Frame } from '../../web/wire/frame.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';
import { silent } from '../kit/silent-log.js';

const PAGES = 50;
const IDLE_MS = 60;

describe('the web viewer', () => {
  let system: RealSystem;

  beforeEach(async () => {
    system = new RealSystem();
    system.web = ANY_WEB_PORT;
    await system.startHost();
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('the web viewer serves fifty pages with one reader of the mirror', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    const address = await eventually(async () => (await system.host.info()).web, 'the web viewer serves');
    const origin = address.replace(/\/$/, '');
    const newest = new Map<number, Frame>();
    const sockets = Array.from({ length: PAGES }, (_, index) => {
      const socket = new WebSocket(`${address.replace('http', 'ws')}live`, { headers: { origin } });
      socket.binaryType = 'arraybuffer';
      socket.on('open', () => {
        socket.send(JSON.stringify({ kind: 'app', app: 'e1' }));
        const view = { id: 1, spectrum: 'tof', columns: 8_192, rows: 1 };
        socket.send(JSON.stringify({ kind: 'show', subscriptions: [view] }));
      });
      socket.on('message', (data) => {
        if (!(data instanceof ArrayBuffer)) return;
        newest.set(index, decodeFrame(data));
        socket.send(JSON.stringify({ kind: 'ack', id: 1 }));
      });
      return socket;
    });
    await eventually(() => newest.size === PAGES, 'every page has a frame');
    simulator.step(10_000);
    const sum = new SpectraView(simulator.memory).get('tof').sum;
    await eventually(
      () => [...newest.values()].every(({ head }) => head.sum === sum),
      'every page has the newest data',
    );
    const client = await system.client('e1');
    const readers = (await client.clients()).filter(({ name }) => name === 'web');
    expect(readers.map(({ flows }) => flows.length)).to.deep.equal([1]);
    const numbers = await (await fetch(`${address}metrics`)).text();
    expect(numbers).to.match(/mirrorflow_flow_published_total\{app="e1",flow="spectra"\} \d+/);
    expect(numbers).to.match(/mirrorflow_flow_live\{app="e1",flow="spectra"\} 1/);
    expect(numbers).to.include(`mirrorflow_web_pages ${PAGES}\n`);
    for (const socket of sockets) socket.terminate();
    await eventually(async () => {
      const [web] = (await client.clients()).filter(({ name }) => name === 'web');
      return web === undefined || web.flows.length === 0;
    }, 'the web viewer has closed the mirror');
  });

  it('the mirror of an open page is kept longer than the idle time of clients', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    const watch = new AppWatch(new AppLink('e1', system.directory, IDLE_MS), silent);
    const leave = watch.enter();
    const held = watch.cache.acquire('tof');
    await eventually(() => watch.status.state === 'live' && held.version > 0, 'the page is live');
    const began = performance.now();
    await eventually(() => performance.now() - began > 5 * IDLE_MS, 'several idle times have passed');
    simulator.step(4_000);
    const sum = new SpectraView(simulator.memory).get('tof').sum;
    await eventually(() => {
      let shown = 0;
      for (const count of held.counts) shown += count;
      return shown === sum;
    }, 'the page has the new counts');
    expect(watch.status.state).to.equal('live');
    leave();
    await watch.close();
    await new AppLink('e1', system.directory).close();
  });
});
