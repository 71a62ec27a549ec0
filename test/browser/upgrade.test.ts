/** A page that was loaded before the viewer was exchanged for one of another release. */
import { expect } from 'chai';
import { startsPages } from './page-system.js';
import { eventually } from '../kit/eventually.js';

describe('a page of the release before', () => {
  const start = startsPages();

  it('a page loads again, with the same plots, when the viewer behind it is of another release', async () => {
    const { page, address } = await start();
    let identity = 'one';
    let loads = 0;
    let requests = 0;
    let cut: (() => Promise<void>) | undefined;
    await page.routeWebSocket(/.*/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => {
        const text = typeof message === 'string' ? message : undefined;
        if (text?.includes('"kind":"welcome"') !== true) return socket.send(message);
        socket.send(JSON.stringify({ ...(JSON.parse(text) as object), page: identity }));
      });
      socket.onMessage((message) => {
        requests += 1;
        server.send(message);
      });
      cut = () => socket.close();
    });
    page.on('load', () => (loads += 1));
    await page.goto(`${address}#/e1?p=tof`);
    const drawn = page.locator('.plot[data-sequence]:not([data-sequence=""])');
    await drawn.first().waitFor();
    expect(loads).to.equal(1);

    requests = 0;
    await cut!();
    await eventually(() => requests > 0, 'the page continues with the next connection');
    expect(loads, 'the same release').to.equal(1);

    identity = 'two';
    await cut!();
    await eventually(() => loads === 2, 'the page is loaded again');
    await drawn.first().waitFor();
    expect(new URL(page.url()).hash).to.contain('p=tof');
  });
});
