/**
 * "Open in JSROOT" in a real browser: with a stand-in that writes what it is to draw into the
 * document, and with JSROOT itself where MIRRORFLOW_JSROOT names its folder.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { SpectraView } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';
import { skip } from '../kit/skip.js';
import { startsPages, type PageSystem } from './page-system.js';

const MAP = 'pid.de-vs-e';
const REAL = process.env['MIRRORFLOW_JSROOT'] ?? '';

/** The functions of JSROOT that the document calls; `drawn` has what was drawn last. */
const STAND_IN = `globalThis.JSROOT = {
  constants: { Latex: { Off: 0 } }, settings: {},
  createHistogram: (type, nx, ny) => ({ type, nx, ny, fXaxis: {}, fYaxis: {}, fArray: [] }),
  draw: (place, histogram, options) => {
    drawn.push({ histogram, options });
    document.getElementById(place).append(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
    return Promise.resolve();
  },
  cleanup: (place) => { drawn.length = 0; document.getElementById(place).replaceChildren(); },
  registerForResize: () => undefined,
};
globalThis.drawn = [];`;

/** What is used of a saved spectrum. */
interface Saved {
  readonly x: { readonly label: string; readonly min: number; readonly max: number };
  readonly sum: number;
  readonly counts: readonly number[];
}

interface Drawn {
  readonly options: string;
  readonly histogram: {
    readonly type: string;
    readonly nx: number;
    readonly ny?: number;
    readonly fTitle: string;
    readonly fXaxis: { readonly fXmin: number; readonly fXmax: number; readonly fTitle: string };
    readonly fArray: readonly (number | null)[];
  };
}

describe('JSROOT', () => {
  const start = startsPages();
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    mkdirSync(join(directory, 'build'));
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'jsroot', version: '7.11.2' }));
    writeFileSync(join(directory, 'build', 'jsroot.min.js'), STAND_IN);
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function open(link: string, jsroot: string | undefined): Promise<PageSystem> {
    const system = await start(jsroot === undefined ? {} : { jsroot });
    await system.page.goto(`${system.address}#/e1?${link}`);
    await eventually(async () => /^Sum [\d,]+/.test(await foot(system)), 'the plot has counts');
    return system;
  }

  async function foot({ page }: PageSystem): Promise<string> {
    return (await page.locator('.plot-foot').first().textContent()) ?? '';
  }

  /** `tof` as the server has it now. */
  async function saved({ page }: PageSystem): Promise<Saved> {
    return (await page.evaluate(
      "fetch('/api/save?app=e1&format=json&spectrum=tof').then((answer) => answer.json())",
    )) as Saved;
  }

  /** The tab that the menu of the first plot opens, when it has drawn. */
  async function openJsroot(system: PageSystem): Promise<Page> {
    await system.page.locator('.plot .menu summary').first().click();
    const [tab] = await Promise.all([
      system.page.context().waitForEvent('page'),
      system.page.locator('.menu-items button', { hasText: 'Open in JSROOT' }).click(),
    ]);
    tab.on('pageerror', (error) => system.problems.push(error.message));
    tab.on('console', (message) => {
      if (message.type() === 'error') system.problems.push(message.text());
    });
    await tab.locator('#drawing[data-view]').waitFor();
    return tab;
  }

  async function drawn(tab: Page): Promise<readonly Drawn[]> {
    return (await tab.evaluate('drawn')) as readonly Drawn[];
  }

  /** What axe reports of the document. */
  async function problemsOf(tab: Page): Promise<readonly unknown[]> {
    await tab.evaluate(axe.source);
    return (await tab.evaluate('axe.run(document).then(({ violations }) => violations)')) as unknown[];
  }

  function sumDrawn([first]: readonly Drawn[]): number {
    return (first?.histogram.fArray ?? []).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  }

  it('the menu has no item without the package', async () => {
    const { page } = await open('p=tof', undefined);
    await page.locator('.plot .menu summary').first().click();
    await page.locator('.menu-items button', { hasText: 'Save as PNG' }).first().waitFor();
    expect(await page.locator('.menu-items button', { hasText: 'JSROOT' }).count()).to.equal(0);
  });

  it('histograms are handed to JSROOT with their names, axes and counts', async () => {
    const system = await open('p=tof,ge.00.Co-60', directory);
    const tab = await openJsroot(system);
    const all = await drawn(tab);
    expect(all.map(({ options }) => options)).to.deep.equal(['hist', 'hist same']);
    expect(all[0]!.histogram).to.include({ type: 'TH1D', fTitle: 'tof, ge.00.Co-60' });
    const { x, counts } = await saved(system);
    const { fXaxis, fArray } = all[0]!.histogram;
    expect(fXaxis).to.deep.equal({ fXmin: x.min, fXmax: x.max, fTitle: x.label });
    expect(fArray.slice(1)).to.deep.equal(counts);
    expect(await tab.title()).to.equal('tof, ge.00.Co-60 · JSROOT');
    expect(system.problems).to.deep.equal([]);
  });

  it('a map is shown as lego, in a document that is accessible, and as another picture when it is chosen', async () => {
    const system = await open(`p=${MAP}`, directory);
    const tab = await openJsroot(system);
    const [lego] = await drawn(tab);
    expect(lego).to.include({ options: 'lego2' });
    expect(lego!.histogram).to.include({ type: 'TH2D', nx: 128, ny: 128 });
    expect(await tab.locator('#bins').textContent()).to.equal('Each bin is the sum of 4 × 4 channels.');
    expect(await problemsOf(tab)).to.deep.equal([]);
    const sum = sumDrawn([lego!]);
    expect(sum).to.be.above(0);
    await tab.getByLabel('View').selectOption('colz');
    await tab.locator('#drawing[data-view="colz"]').waitFor();
    const colours = await drawn(tab);
    expect(colours[0]!.histogram).to.include({ nx: 512, ny: 512 });
    expect(sumDrawn(colours)).to.equal(sum);
    expect(system.problems).to.deep.equal([]);
  });

  it('of a paused plot JSROOT shows the counts of the plot, also after newer ones were published', async () => {
    const system = await open('p=tof', directory);
    const { page, simulator } = system;
    // The axes are known then, so that the next frame leaves under- and overflow out.
    await saved(system);
    simulator.step(20_000);
    const counted = new SpectraView(simulator.memory).get('tof')!.counts;
    const stored = Array.from(counted)
      .reduce((sum, count) => sum + count, 0)
      .toLocaleString('en-US');
    await eventually(async () => (await foot(system)).startsWith(`Sum ${stored}`), 'all counts are shown');
    await page.getByRole('button', { name: 'Pause' }).click();
    const { sum: before } = await saved(system);
    simulator.step(20_000);
    await eventually(async () => (await saved(system)).sum > before, 'newer counts are published');
    const tab = await openJsroot(system);
    expect(sumDrawn(await drawn(tab))).to.equal(before);
    await tab.reload();
    await tab.locator('#drawing[data-view]').waitFor();
    expect(sumDrawn(await drawn(tab))).to.equal(before);
    expect(system.problems).to.deep.equal([]);
  });

  it('the document states why nothing is drawn', async () => {
    const { page, address } = await open('p=tof', directory);
    await page.goto(`${address}jsroot.html?app=e1&spectrum=nothing`);
    await eventually(
      async () => /no spectrum "nothing" in e1/.test((await page.locator('#problem').textContent()) ?? ''),
      'the reason is shown',
    );
  });

  it('JSROOT itself draws histograms, lego and surface under the content policy, without the internet', async function () {
    if (REAL === '') skip(this, 'set MIRRORFLOW_JSROOT to the folder of the npm package jsroot');
    const system = await open(`p=tof&p=${MAP}`, REAL);
    const foreign: string[] = [];
    system.page.context().on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(system.address))
        foreign.push(request.url());
    });
    const tab = await openJsroot(system);
    expect(await tab.locator('#drawing svg path').count()).to.be.above(0);
    expect(await tab.locator('#drawing').textContent()).to.match(/tof/);
    const url = `${system.address}jsroot.html?app=e1&spectrum=${MAP}`;
    await tab.goto(url);
    // WebGL draws it on a canvas.
    await tab.locator('#drawing[data-view="lego2"] canvas').waitFor();
    await tab.getByLabel('View').selectOption('surf2');
    await tab.locator('#drawing[data-view="surf2"] canvas').waitFor();
    await tab.getByLabel('View').selectOption('colz');
    await tab.locator('#drawing[data-view="colz"] svg path').first().waitFor();
    expect(foreign).to.deep.equal([]);
    expect(system.problems).to.deep.equal([]);
  });
});
