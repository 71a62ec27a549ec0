/** Frames over a slow line in a real browser: the page shows the same with fewer bytes. */
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';
import { startsPages, type PageSystem } from './page-system.js';

const PLOTS = ['tof', 'ge.00.Co-60', 'adc.raw', 'pid.de-vs-e'];
const UPDATES = 10;

describe('the page over a slow line', () => {
  const start = startsPages();

  /** The bytes of frames in which the page followed the source for some updates. */
  async function bytesReceived({ page, address, simulator }: PageSystem, query: string): Promise<number> {
    let bytes = 0;
    page.removeAllListeners('websocket');
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        if (typeof payload !== 'string') bytes += payload.length;
      }),
    );
    await page.goto('about:blank');
    await page.goto(`${address}${query}#/e1?${PLOTS.map((name) => `p=${name}`).join('&')}`);
    for (let update = 0; update < UPDATES; update += 1) {
      simulator.step(500);
      const view = new SpectraView(simulator.memory);
      for (const [index, name] of PLOTS.entries()) {
        const text = `Sum ${view.get(name).sum.toLocaleString('en-US')}`;
        await eventually(
          async () => ((await page.locator('.plot-foot').nth(index).textContent()) ?? '').startsWith(text),
          `the sum of ${name}`,
        );
      }
    }
    return bytes;
  }

  it('four plots follow the source with fewer bytes where the line is slow', async () => {
    const system = await start();
    const raw = await bytesReceived(system, '');
    const packed = await bytesReceived(system, '?line=slow');
    process.stdout.write(`      four plots, ${UPDATES} updates: ${raw} bytes, packed ${packed}\n`);
    expect(packed).to.be.above(0);
    expect(packed).to.be.below(raw);
    expect(system.problems).to.deep.equal([]);
  });
});
