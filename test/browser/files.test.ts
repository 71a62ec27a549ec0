/** Saving from the page, opening what was saved, and printing, in a real browser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { readSpectra } from '../../plotting/files/read-spectra.js';
import { eventually } from '../kit/eventually.js';
import { startsPages, type PageSystem } from './page-system.js';

const MAP = 'pid.de-vs-e';

describe('files of the page', () => {
  const start = startsPages();
  let directory: string;

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function open(link: string): Promise<PageSystem> {
    const system = await start();
    await system.page.goto(`${system.address}#/e1?${link}`);
    await eventually(
      async () => /^Sum [\d,]+/.test((await system.page.locator('.plot-foot').first().textContent()) ?? ''),
      'the plot has counts',
    );
    return system;
  }

  /** Chooses an item of the menu of a plot. */
  async function choose({ page }: PageSystem, text: string, plot = 0): Promise<void> {
    await page.locator('.plot .menu summary').nth(plot).click();
    await page.locator('.plot .menu-items button', { hasText: text }).first().click();
  }

  /** The file that the browser saves after `act`. */
  async function saved(
    { page }: PageSystem,
    act: () => Promise<void>,
  ): Promise<{ name: string; bytes: Buffer }> {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
  }

  async function openFile({ page }: PageSystem, name: string, bytes: Uint8Array | string): Promise<void> {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      (async () => {
        await page.locator('.plot .menu summary').first().click();
        await page.locator('.menu-items button', { hasText: 'Open a saved spectrum' }).click();
      })(),
    ]);
    await chooser.setFiles(path);
  }

  it('a PNG has twice the pixels of the plot and a title', async () => {
    const system = await open('p=tof');
    const box = await system.page.locator('.plot canvas').first().boundingBox();
    const { name, bytes } = await saved(system, () => choose(system, 'Save as PNG'));
    expect(name).to.equal('tof.png');
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    expect(width).to.be.closeTo(2 * box!.width, 2);
    expect(height).to.be.closeTo(2 * (box!.height + 44), 2);
    expect(system.problems).to.deep.equal([]);
  });

  it('an SVG of histograms, regions, peaks and a map is drawn by the browser without an error', async () => {
    const system = await open(
      `p=ge.00.Co-60,ge.02.Cs-137;g=A,0,2622-2712,gauss.1.1&p=${MAP};g=B,0,20-40,30-60`,
    );
    await choose(system, 'Find peaks');
    await eventually(
      async () => (await system.page.locator('.plot-foot').nth(1).textContent())?.startsWith('Sum'),
      'the map has counts',
    );
    for (const [plot, name] of ['ge.00.Co-60+ge.02.Cs-137.svg', `${MAP}.svg`].entries()) {
      const file = await saved(system, () => choose(system, 'Save as SVG', plot));
      expect(file.name).to.equal(name);
      const text = file.bytes.toString();
      expect(text).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+"/);
      expect(text).to.include(plot === 0 ? '>ge.02.Cs-137<' : 'href="data:image/png;base64,');
      expect(text).to.match(/e1 · 127\.0\.0\.1:\d+ · \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
      const size = (await system.page.evaluate(
        `new Promise((resolve, reject) => {
          const image = new Image();
          image.onload = () => resolve(image.naturalWidth);
          image.onerror = () => reject(new Error('the SVG is invalid'));
          image.src = 'data:image/svg+xml;base64,${file.bytes.toString('base64')}';
        })`,
      )) as number;
      expect(size).to.be.above(100);
    }
    expect(system.problems).to.deep.equal([]);
  });

  it('the dialog saves the spectra of a plot, of the page, and all, in the chosen format', async () => {
    const system = await open('p=tof&p=ge.00.Co-60');
    const { page } = system;
    const save = (which: string, format: string): Promise<{ name: string; bytes: Buffer }> =>
      saved(system, async () => {
        await choose(system, 'Save spectra');
        await page.getByLabel('Which spectra').selectOption(which);
        await page.getByLabel('Format').selectOption(format);
        await page.locator('dialog button.primary').click();
      });
    const one = await save('plot', 'spe');
    expect(one.name).to.equal('tof.spe');
    expect(readSpectra(one.bytes).map(({ name }) => name)).to.deep.equal(['tof']);
    const two = await save('visible', 'swrite');
    expect(readSpectra(two.bytes).map(({ name }) => name)).to.have.members(['tof', 'ge.00.Co-60']);
    const all = await save('all', 'json');
    const { length } = new SpectraView(system.simulator.memory).list();
    expect(readSpectra(all.bytes)).to.have.length(length);
    expect((await save('visible', 'csv')).name).to.match(/^e1-\d{8}T\d{6}Z\.tar$/);
    expect(system.problems).to.deep.equal([]);
  });

  it('a saved spectrum is opened as an overlay that keeps its counts', async () => {
    const system = await open('p=tof');
    const { page, simulator } = system;
    const { bytes } = await saved(system, async () => {
      await choose(system, 'Save spectra');
      await page.locator('dialog button.primary').click();
    });
    const [before] = readSpectra(bytes);
    simulator.step(20_000);
    await openFile(system, 'tof.spec', bytes);
    await eventually(
      async () => (await page.locator('.plot-title').first().textContent())?.includes('tof (saved)'),
      'the overlay is named',
    );
    // The numbers of the plot have a column for the saved counts.
    const csv = await saved(system, () => choose(system, 'Save as CSV'));
    const [header, ...lines] = csv.bytes.toString().trimEnd().split('\n');
    expect(header).to.equal('channel,x,tof,tof (saved)');
    expect(lines.map((line) => Number(line.split(',')[3]))).to.deep.equal(Array.from(before!.counts));
    expect(system.problems).to.deep.equal([]);
  });

  it('a saved map is opened in a plot of its own, and a file of another kind is refused', async () => {
    const system = await open(`p=${MAP}`);
    const { page } = system;
    const { bytes } = await saved(system, async () => {
      await choose(system, 'Save spectra');
      await page.getByLabel('Format').selectOption('json');
      await page.locator('dialog button.primary').click();
    });
    await openFile(system, 'map.json', bytes);
    await eventually(async () => (await page.locator('.plot').count()) === 2, 'a second plot');
    const [read] = readSpectra(bytes);
    const sum = Array.from(read!.counts).reduce((total, count) => total + count, 0);
    await eventually(
      async () =>
        (await page.locator('.plot-foot').nth(1).textContent())?.startsWith(
          `Sum ${sum.toLocaleString('en-US')}`,
        ),
      'the sum of the saved map',
    );
    await openFile(system, 'notes.txt', 'hello');
    await eventually(
      async () => (await page.locator('.notices').textContent())?.includes('notes.txt cannot be opened'),
      'the reason is shown',
    );
    expect(system.problems).to.deep.equal([]);
  });

  it('on paper there are the plots, a line with application and time, and no controls', async () => {
    const system = await open('p=tof');
    const { page } = system;
    await page.emulateMedia({ media: 'print' });
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    expect(await page.locator('.print-line').textContent()).to.match(/^e1 .*127\.0\.0\.1:\d+ · \d/);
    for (const hidden of ['.top', '.list', '.plot-tools']) {
      expect(await page.locator(hidden).first().isVisible(), hidden).to.equal(false);
    }
    expect(await page.locator('.plot canvas').first().isVisible()).to.equal(true);
    expect(await page.evaluate('document.documentElement.dataset.theme')).to.equal('light');
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await page.evaluate("'theme' in document.documentElement.dataset")).to.equal(false);
  });
});
