/** Regions, fits, peaks and calibrations of the page in a real browser: numbers are read off it. */
import { expect } from 'chai';
import type { Locator } from 'playwright-core';
import { SpectraView } from '../../client-lib/index.js';
import type { FitResult } from '../../analysis/fit/fit-spectrum.js';
import { eventually } from '../kit/eventually.js';
import { startsPages, type PageSystem } from './page-system.js';

const COBALT = 'ge.00.Co-60';
/** 2.355 · √(0.6² + 0.0011 · 1332.5) keV, by the shapes of the simulator. */
const TRUE_FWHM = 3.164;
const LINE_PART = 'g=A,0,2622-2712';

interface Measured {
  readonly value: number;
  readonly error: number;
}

/** `1332.50 ± 0.12 keV`, with or without something before. */
function measured(text: string | null, name = ''): Measured {
  const match = new RegExp(`${name} ?(-?[\\d.]+) ± ([\\d.]+)`).exec(text ?? '');
  return { value: Number(match?.[1]), error: Number(match?.[2]) };
}

describe('regions and fits on the page', () => {
  const start = startsPages();
  let pages: PageSystem;

  beforeEach(async () => {
    pages = await start();
    pages.simulator.step(1_000_000);
  });

  const cell = (region: string, name: string): Locator =>
    pages.page.locator(`[data-region="${region}"] .region-${name}`);

  async function eventuallyMeasured(locator: Locator, name = ''): Promise<Measured> {
    return eventually(
      async () => {
        const found = measured(await locator.textContent(), name);
        return Number.isFinite(found.value) ? found : undefined;
      },
      `figures in ${String(locator)}`,
    );
  }

  const open = (plots: string): Promise<unknown> => pages.page.goto(`${pages.address}#/e1?cols=1&${plots}`);

  it('a region shows net counts, centroid and FWHM of the net counts with errors, near the truth', async () => {
    await open(`p=${COBALT};${LINE_PART}`);
    const fwhm = await eventuallyMeasured(cell('A', 'fwhm'));
    expect(fwhm.value / TRUE_FWHM).to.be.closeTo(1, 0.03);
    const centroid = await eventually(async () => {
      // Before SpecTcl's REST service has answered, the bins are unknown.
      const found = measured(await cell('A', 'centroid').textContent());
      return Math.abs(found.value - 1332.5) < 0.1 ? found : undefined;
    }, 'the centroid in keV');
    expect(centroid.error).to.be.within(0.001, 0.05);
    const gross = await eventuallyMeasured(cell('A', 'gross'));
    const net = await eventuallyMeasured(cell('A', 'net'));
    const counts = new SpectraView(pages.simulator.memory).get(COBALT).counts;
    const sum = Uint32Array.from(counts.subarray(2622, 2712)).reduce((all, count) => all + count, 0);
    expect(gross.value).to.equal(sum);
    expect(net.value).to.be.below(gross.value);
    expect(pages.problems).to.deep.equal([]);
  });

  it('a flat region has no centroid and no FWHM', async () => {
    await open(`p=${COBALT};g=A,0,2800-2900`);
    await eventuallyMeasured(cell('A', 'gross'));
    expect(await cell('A', 'fwhm').textContent()).to.equal('—');
    expect(await cell('A', 'centroid').textContent()).to.equal('—');
  });

  it('a fit gives FWHM within 3 %, follows new counts, agrees with the API, and stays in the link', async () => {
    await open(`p=${COBALT};${LINE_PART}`);
    await pages.page.getByLabel('Fit of region A').selectOption('gauss');
    const text = pages.page.locator('.fit-text output');
    const first = await eventually(async () => {
      const shown = await text.textContent();
      return Math.abs(measured(shown, 'centroid').value - 1332.5) < 0.1 ? measured(shown, 'area') : undefined;
    }, 'a fit in keV');
    expect(await pages.page.evaluate('location.hash')).to.contain(`${LINE_PART},gauss.1.1`);
    expect(measured(await text.textContent(), 'FWHM').value / TRUE_FWHM).to.be.closeTo(1, 0.03);
    pages.simulator.step(1_000_000);
    const words = `app=e1&spectrum=${COBALT}&range=1310.5-1355.5`;
    const fit = await eventually(async () => {
      const response = await fetch(`${pages.address}api/fit?${words}`);
      const answer = (await response.json()) as FitResult;
      const { area } = answer.parameters;
      const shown = measured(await text.textContent(), 'area');
      return shown.value > first.value && Math.abs(shown.value - area!.value) < 1 ? answer : undefined;
    }, 'the same fit on the page and from the API');
    expect(fit.peaks[0]!.fwhm.value / TRUE_FWHM).to.be.closeTo(1, 0.03);
    await pages.page.reload();
    await eventuallyMeasured(text, 'centroid');
    expect(pages.problems).to.deep.equal([]);
  });

  it('a fit is copied as text, CSV and JSON, with the numbers that are shown', async () => {
    await pages.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await open(`p=${COBALT};${LINE_PART},gauss.1.1`);
    const text = pages.page.locator('.fit-text output');
    await eventually(
      async () => Math.abs(measured(await text.textContent(), 'centroid').value - 1332.5) < 0.1,
      'a fit in keV',
    );
    const copied = async (format: string, start: string): Promise<string> => {
      await pages.page.getByLabel(`Copy the fit of region A as ${format}`).click();
      return eventually(async () => {
        const content = String(await pages.page.evaluate('navigator.clipboard.readText()'));
        return content.startsWith(start) ? content : undefined;
      }, `the fit as ${format} in the clipboard`);
    };
    const lines = (await copied('text', `${COBALT}, region A: gauss`)).trimEnd().split('\n');
    expect(lines[0]).to.match(
      /^ge\.00\.Co-60, region A: gauss on background 1, 13\d\d\.?\d* to 13\d\d\.?\d* keV, 20/,
    );
    expect(lines.slice(1).join('\n')).to.equal(await text.textContent());
    const json = JSON.parse(await copied('json', '{')) as FitResult & Record<string, unknown>;
    expect(json).to.include({ spectrum: COBALT, region: 'A', unit: 'keV', model: 'gauss', converged: true });
    const rows = (await copied('csv', 'spectrum,')).trimEnd().split('\n');
    expect(rows[0]).to.equal('spectrum,region,parameter,value,error,state');
    expect(rows.slice(1)).to.deep.equal(
      Object.entries(json.parameters).map(([name, { value, error, state }]) =>
        [COBALT, 'A', name, value, error ?? '', state].join(','),
      ),
    );
    const shown = measured(await text.textContent(), 'area');
    expect(Math.abs(json.parameters['area']!.value - shown.value)).to.be.below(shown.error);
  });

  it('a click on the mark of a peak fits it, a click beside it does not', async () => {
    await open(`p=${COBALT};x=2600-2740`);
    await pages.page.locator('.plot-foot').filter({ hasText: 'Sum' }).waitFor();
    await pages.page.locator('.menu summary').click();
    await pages.page.getByText('Find peaks').click();
    const row = pages.page.locator('.peaks tbody tr').filter({ hasText: /^133\d\.\d/ });
    // Before SpecTcl's REST service has answered, the bins and so the channels are unknown.
    const energy = await eventually(async () => {
      const found = measured(await row.locator('td').first().textContent()).value;
      return Math.abs(found - 1332.5) < 0.2 ? found : undefined;
    }, 'the peak in the table');
    const box = (await pages.page.locator('.plot canvas').boundingBox())!;
    const inner = { left: box.x + 58, width: box.width - 70 };
    // Channel 0 holds the underflow; channels of 0.5 keV.
    const markX = inner.left + ((energy * 2 + 1 - 2600) / 140) * inner.width;
    await pages.page.mouse.click(markX + 60, box.y + 24);
    await pages.page.mouse.click(markX, box.y + 24);
    const fit = pages.page.locator('.fit-text output');
    await eventually(
      async () => Math.abs(measured(await fit.first().textContent(), 'centroid').value - energy) < 0.05,
      'the fit of the marked peak',
    );
    expect(await fit.count()).to.equal(1);
    expect(pages.problems).to.deep.equal([]);
  });

  it('two regions are typed and moved by keys, each on its own', async () => {
    await open(`p=${COBALT};x=2600-2740;g=A,0,2622-2650;g=B,0,2660-2712`);
    await eventuallyMeasured(cell('B', 'net'));
    const regions = async (text: string): Promise<unknown> =>
      eventually(async () => String(await pages.page.evaluate('location.hash')).includes(text), text);
    const lower = pages.page.getByLabel('Lower limit of region B');
    await eventually(
      async () => Math.abs(Number(await lower.inputValue()) - 1329.5) < 0.01,
      'the limit of B in keV',
    );
    await lower.fill('1332');
    await lower.press('Enter');
    await regions('g=A,0,2622-2650;g=B,0,2665-2712');
    await pages.page.locator('.plot').focus();
    await pages.page.keyboard.press(']');
    await pages.page.keyboard.press('g');
    await pages.page.keyboard.press(']');
    await pages.page.keyboard.press(']');
    await pages.page.keyboard.press('}');
    await regions('g=A,0,2623-2653;g=B,0,2666-2713');
  });

  it('each region of an overlay belongs to the spectrum that it names', async () => {
    await open(`p=${COBALT},ge.02.Cs-137;g=A,0,2622-2712;g=B,1,2600-2700`);
    const spectra = pages.page.getByLabel('Spectrum of the region');
    await eventuallyMeasured(cell('B', 'net'));
    expect(await spectra.nth(1).inputValue()).to.equal('1');
    const counts = new SpectraView(pages.simulator.memory).get('ge.02.Cs-137').counts;
    const sum = Uint32Array.from(counts.subarray(2600, 2700)).reduce((all, count) => all + count, 0);
    expect((await eventuallyMeasured(cell('B', 'gross'))).value).to.equal(sum);
  });

  it('regions are added and moved by keys, by typing and by dragging, and keep their names', async () => {
    await open(`p=${COBALT};x=2600-2740;g=A,0,2622-2712`);
    await eventuallyMeasured(cell('A', 'net'));
    const hash = (): Promise<string> => pages.page.evaluate('location.hash');
    await pages.page.locator('.plot').focus();
    await pages.page.keyboard.press(']');
    await eventually(async () => (await hash()).includes('g=A,0,2623-2713'), 'a region moved by a key');
    await pages.page.getByLabel('Name of the region').fill('Co line');
    await pages.page.getByLabel('Name of the region').press('Enter');
    await eventually(async () => (await hash()).includes('g=Co%20line,0,2623-2713'), 'the typed name');
    const lower = pages.page.getByLabel('Lower limit of region Co line');
    await eventually(
      async () => Math.abs(Number(await lower.inputValue()) - 1311) < 0.01,
      'the limit in keV',
    );
    await lower.fill('1315');
    await lower.press('Enter');
    await eventually(async () => (await hash()).includes('g=Co%20line,0,2631-2713'), 'the typed limit');
    const box = (await pages.page.locator('.plot canvas').boundingBox())!;
    const inner = { left: box.x + 58, width: box.width - 70 };
    const at = (channel: number): number => inner.left + ((channel - 2600) / 140) * inner.width;
    await pages.page.mouse.move(at(2713), box.y + box.height / 2);
    await pages.page.mouse.down();
    await pages.page.mouse.move(at(2693), box.y + box.height / 2, { steps: 4 });
    await pages.page.mouse.up();
    await eventually(async () => (await hash()).includes('g=Co%20line,0,2631-2693'), 'the dragged limit');
    await pages.page.locator('.plot').focus();
    await pages.page.keyboard.press('Delete');
    await eventually(async () => !(await hash()).includes('g='), 'no region');
  });

  it('peaks are marked with a table, and a click on a row fits the peak', async () => {
    await open(`p=${COBALT}`);
    await pages.page.locator('.plot-foot').filter({ hasText: 'Sum' }).waitFor();
    await pages.page.locator('.menu summary').click();
    await pages.page.getByText('Find peaks').click();
    const rows = pages.page.locator('.peaks tbody tr');
    await eventually(async () => (await rows.count()) >= 2, 'a table of peaks');
    const energies = await rows.locator('td:first-child').allTextContents();
    const nearest = energies.map((text) => Math.abs(measured(text).value - 1332.5));
    expect(Math.min(...nearest)).to.be.below(0.1);
    await rows
      .nth(nearest.indexOf(Math.min(...nearest)))
      .getByText('Fit')
      .click();
    const fwhm = await eventuallyMeasured(pages.page.locator('.fit-text output'), 'FWHM');
    expect(fwhm.value / TRUE_FWHM).to.be.closeTo(1, 0.05);
  });

  it('a calibration by two peaks is kept on the server and shown beside the axis', async () => {
    pages.page.on('dialog', (dialog) => void dialog.accept());
    await open(`p=${COBALT};${LINE_PART},gauss.1.1;g=B,0,2310-2380,gauss.1.1`);
    await eventually(async () => (await pages.page.locator('.fit-text').count()) === 2, 'two fits');
    await eventually(
      async () =>
        Math.abs(
          measured(await pages.page.locator('.fit-text output').first().textContent(), 'centroid').value -
            1332.5,
        ) < 0.1,
      'the fit in keV',
    );
    await pages.page.locator('.menu summary').click();
    await pages.page.getByText('Calibrate …').click();
    const energies = pages.page.getByLabel('Energy');
    await energies.nth(0).fill('2665');
    await energies.nth(1).fill('2346.4');
    await pages.page.getByRole('button', { name: 'Calibrate', exact: true }).click();
    await pages.page.getByText('largest residual').waitFor();
    await pages.page.getByRole('button', { name: 'Close' }).click();
    await pages.page.reload();
    await eventually(
      async () => / \(266\d\.\d+ ± [\d.]+ keV\)/.test((await cell('A', 'centroid').textContent()) ?? ''),
      'the calibrated centroid after a reload',
    );
    expect(pages.problems).to.deep.equal([]);
  });
});

describe('states on the page', () => {
  const start = startsPages();

  it('a paused plot and one without its server say so, with the age of the data', async () => {
    const { page, address, system } = await start();
    await page.goto(`${address}#/e1?p=tof`);
    const plot = page.locator('.plot');
    await eventually(async () => (await plot.getAttribute('data-state')) === 'live', 'a live plot');
    await page.getByRole('button', { name: 'Pause' }).click();
    await eventually(async () => (await page.locator('.pill').textContent()) === 'paused', 'a paused page');
    expect(await page.locator('.plot-state').textContent()).to.match(
      /^paused · Paused\. The data shown are [\d.]+ m?s old/,
    );
    await page.getByRole('button', { name: 'Resume' }).click();
    const pids = system
      .leftovers()
      .flatMap((text) => /^process (\d+): .*\/web(?:\/main)?\.c?js /.exec(text)?.[1] ?? []);
    process.kill(Number(pids[0]), 'SIGKILL');
    await eventually(async () => (await plot.getAttribute('data-state')) === 'unreachable', 'a marked plot');
    expect(await page.locator('.pill').textContent()).to.equal('viewer unreachable');
    expect(await page.locator('.plot-state').textContent()).to.match(
      /^viewer unreachable · .* The data shown are /,
    );
    await page.getByRole('button', { name: 'Network' }).click();
    expect(await page.locator('.network-state').textContent()).to.contain('does not answer');
  });
});
