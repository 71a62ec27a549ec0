/** Time travel: every figure of a recorded moment on the page, by pointer, keys and link. */
import { readdirSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { Recording } from '../../recorder/read/recording.js';
import { describeRecording } from '../../recorder/read/verify.js';
import { formatMoment } from '../../web/view/moment.js';
import { eventually } from '../kit/eventually.js';
import { violationsOn } from './axe-violations.js';
import { needsBrowser } from './browser.js';
import { eventuallyDrawn, eventuallyHash, hashOf } from './page-reading.js';
import { PageSystem, SECRET } from './page-system.js';

const PLOT = '#/e1?p=tof';
const SLIDER = 'Moment of the recording';
const TIMELINE = '.timeline:not(.replay)';

describe('time travel on the page', function () {
  let running: PageSystem;
  let recorded: Recorded;
  let failed = false;

  needsBrowser();

  before(async function () {
    running = await PageSystem.start({ secret: true });
    const { page, address } = running;
    await page.goto(address + PLOT);
    await eventuallyDrawn(page, 1);
    expect(await page.locator(TIMELINE).isHidden(), 'nothing is recorded yet').to.equal(true);
    recorded = await record();
  });

  afterEach(function () {
    failed ||= this.currentTest?.state === 'failed';
  });

  after(() => running?.stop(failed || recorded === undefined));

  interface Recorded {
    /** Sum of the spectrum tof after each step of the source. */
    readonly sums: readonly number[];
    /** Counts of the first publication in range, as they were saved while it was live. */
    readonly first: readonly number[];
    readonly startMs: number;
    readonly endMs: number;
  }

  const sumOf = async (page: Page, plot = 0): Promise<number> =>
    Number(await page.locator('.plot-foot').nth(plot).getAttribute('data-sum'));

  async function eventuallySum(page: Page, sum: number, plot = 0): Promise<void> {
    await eventually(async () => (await sumOf(page, plot)) === sum, `the sum ${sum} in plot ${plot}`);
  }

  async function savedCounts(words = ''): Promise<readonly number[]> {
    const { page, address } = running;
    const answer = await page.request.get(`${address}api/save?app=e1&format=json&spectrum=tof${words}`);
    const text = await answer.text();
    expect(answer.status(), text).to.equal(200);
    return (JSON.parse(text) as { counts: number[] }).counts;
  }

  /** Records three states of the source; it counts on after the recorder has stopped. */
  async function record(): Promise<Recorded> {
    const { system, simulator, page } = running;
    const directory = join(system.root, 'state', 'recordings', 'e1');
    mkdirSync(directory, { recursive: true });
    const words = ['record', 'spectra', '--app', 'e1', '--every', '0', '-o', directory];
    const recorder = system.program('console/main.js', words);
    await recorder.until(() => recorder.errors.includes('attached to the '));
    const [name = ''] = readdirSync(directory);
    const path = join(directory, name);
    const publications = (): number =>
      describeRecording(path)
        .flows.filter(({ kind }) => kind === 'mirror')
        .reduce((sum, { messages }) => sum + messages, 0);
    await eventually(() => publications() > 0, 'the first publication is recorded');
    const sums = [await sumOf(page)];
    const first = await savedCounts();
    for (let step = 0; step < 2; step += 1) {
      const before = publications();
      simulator.step(5_000);
      await eventually(async () => (await sumOf(page)) > sums.at(-1)!, 'the page shows the step');
      await eventually(() => publications() > before, 'the step is recorded');
      sums.push(await sumOf(page));
    }
    await recorder.stop();
    simulator.step(5_000);
    await eventually(async () => (await sumOf(page)) > sums.at(-1)!, 'the page shows what came after');
    const recording = new Recording([path]);
    const { span } = recording;
    const firstNs = recording.cursor('spectra').firstNs ?? 0;
    recording.close();
    return { sums, first, startMs: Math.ceil(firstNs / 1e6), endMs: Math.ceil((span?.endNs ?? 0) / 1e6) };
  }

  it('keys of the time line show each recorded publication, and B the live counts', async () => {
    const { page, address, problems } = running;
    const { sums, startMs, endMs } = recorded;
    const live = await sumOf(page);
    const slider = page.getByRole('slider', { name: SLIDER });
    await slider.waitFor();
    await eventually(
      async () => Number(await slider.getAttribute('max')) === endMs,
      'the time line reaches to the end',
    );
    await page.keyboard.press('t');
    await page.keyboard.press('End');
    await eventuallySum(page, sums[2]!);
    expect(await page.locator('.plot').getAttribute('data-state')).to.equal('past');
    expect(await page.locator('.plot-state').textContent()).to.match(
      /^past · Recorded \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/,
    );
    expect(await page.locator('.pill').textContent()).to.equal('past');
    await page.keyboard.press('Home');
    await eventuallySum(page, sums[0]!);
    expect(await slider.getAttribute('aria-valuetext')).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.*, UTC/);
    const zone = page.locator('.timeline-zone');
    expect(await zone.textContent()).to.match(/^UTC([+-]\d+(:\d\d)?)?$/);
    for (const place of [
      zone,
      slider,
      page.locator('.timeline-text').first(),
      page.locator('.timeline-time'),
    ])
      expect(await place.getAttribute('title')).to.contain(`have UTC: ${formatMoment(startMs)}`);
    const past = await eventuallyHash(page, `#/e1?at=${formatMoment(startMs)}&p=tof`);
    // Another page opens the same moment by its link.
    await page.goto('about:blank');
    await page.goto(address + past);
    await eventuallyDrawn(page, 1);
    await eventuallySum(page, sums[0]!);
    await eventually(
      async () => Number(await slider.inputValue()) === startMs,
      'the slider at the moment of the link',
    );
    await page.locator('.plot').focus();
    await page.keyboard.press('b');
    await eventuallySum(page, live);
    expect(await page.locator('.plot').getAttribute('data-state')).to.equal('live');
    await eventuallyHash(page, PLOT);
    await page.keyboard.press('Control+z');
    await eventuallySum(page, sums[0]!);
    // A drag on the slider, on a phone too.
    await page.setViewportSize({ width: 390, height: 844 });
    const box = (await page.getByRole('slider', { name: SLIDER }).boundingBox())!;
    expect(box.x >= 0 && box.x + box.width <= 390, 'the time line fits a phone').to.equal(true);
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
    await page.mouse.move(box.x + 9, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.move(box.x + box.width - 1, box.y + box.height / 2);
    await page.mouse.up();
    await eventuallySum(page, sums[2]!);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violationsOn(page), `the past in a ${colorScheme} page`).to.deep.equal([]);
    }
    expect(problems).to.deep.equal([]);
  });

  it('a difference, an overlay, peaks, saved files and a trend have the counts of the moment', async () => {
    const { page, address, problems } = running;
    const { sums, first, startMs, endMs } = recorded;
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto('about:blank');
    await page.goto(`${address}${PLOT};g=A,0,100-4000`);
    await eventuallyDrawn(page, 1);
    const live = await sumOf(page);
    const regionCounts = async (): Promise<string> =>
      (await page.locator('.regions tbody tr').first().textContent()) ?? '';
    const liveRegion = await regionCounts();
    await page.getByRole('slider', { name: SLIDER }).waitFor();
    await page.locator('.plot').focus();
    await page.keyboard.press('t');
    await page.keyboard.press('Home');
    await eventuallySum(page, sums[0]!);
    await eventually(async () => (await regionCounts()) !== liveRegion, 'the region of the moment');
    expect(await savedCounts(`&moment=${startMs}`)).to.deep.equal(first);
    const early = await page.request.get(`${address}api/peaks?app=e1&spectrum=tof&moment=1`);
    expect(early.status()).to.equal(400);
    expect(await early.text()).to.match(
      /no spectra were recorded up to that moment; the recording begins at/,
    );

    const choose = async (text: string, plot = 0): Promise<void> => {
      await page.locator('.plot .menu summary').nth(plot).click();
      await page.getByRole('button', { name: text, exact: true }).click();
    };
    await choose('Difference to this moment');
    await eventuallySum(page, live - sums[0]!);
    expect(await page.locator('.plot-title').textContent()).to.match(/^tof · since \d{4}-/);
    expect(await hashOf(page)).to.match(/^#\/e1\?p=tof;d=[^;]+Z;g=A,0,100-4000$/);
    running.simulator.step(5_000);
    await eventually(async () => (await sumOf(page)) > live - sums[0]!, 'the difference grows');
    await choose('Show all counts');
    const present = await eventually(async () => {
      const sum = await sumOf(page);
      return sum > live ? sum : undefined;
    }, 'all counts');

    await page.locator('.plot').focus();
    await page.keyboard.press('t');
    await page.keyboard.press('Home');
    await eventuallySum(page, sums[0]!);
    await choose('This moment as an overlay');
    await eventuallySum(page, present);
    const link = await eventuallyHash(page, /^#\/e1\?p=tof,tof%20%40[^,;]+Z;g=/);
    await page.goto('about:blank');
    await page.goto(address + link);
    await eventuallyDrawn(page, 1);
    await eventually(
      async () => ((await page.locator('.plot-title').textContent()) ?? '').includes('tof @'),
      'the overlay of the link',
    );
    await page.getByRole('slider', { name: SLIDER }).waitFor();

    await choose('Trend of the sum');
    await eventuallyDrawn(page, 2);
    await eventually(
      async () => Number(await page.locator('.plot-foot').nth(1).getAttribute('data-max')) === sums[2],
      'the trend ends with the last recorded sum',
    );
    const words = `app=e1&spectrum=tof&from=${startMs}&to=${endMs}&points=3`;
    const trend = (await (await page.request.get(`${address}api/recorded-trend?${words}`)).json()) as {
      sums: number[];
    };
    expect(trend.sums.at(-1)).to.equal(sums[2]);
    const refused = await page.request.get(`${address}api/recorded-trend?${words}&points=5`);
    expect(refused.status()).to.equal(400);
    expect(problems.filter((problem) => !problem.includes('400'))).to.deep.equal([]);
  });

  it('the page of a replay steps, seeks and continues its player after signing in', async () => {
    const { page, system, address } = running;
    const { sums } = recorded;
    const player = system.program('console/main.js', [
      'play',
      join(system.root, 'state', 'recordings', 'e1'),
      '--paused',
    ]);
    await eventually(
      async () => (await system.host.applications()).some(({ name }) => name === 'e1.replay'),
      'the application of the replay',
    );
    await page.goto('about:blank');
    await page.goto(`${address}#/e1.replay?p=tof`);
    const step = page.getByRole('button', { name: 'Step', exact: true });
    await step.waitFor();
    expect(await step.isDisabled(), 'before signing in').to.equal(true);
    await page.evaluate(`fetch('/sign-in', { method: 'POST', body: ${JSON.stringify(SECRET)} })`);
    await page.reload();
    await eventuallySum(page, sums[0]!);
    await eventually(async () => !(await step.isDisabled()), 'the controls of a page that has signed in');
    await step.click();
    await eventuallySum(page, sums[1]!);
    await page.getByRole('slider', { name: 'Position of the replay' }).press('End');
    await eventuallySum(page, sums[2]!);
    await page.getByRole('slider', { name: 'Position of the replay' }).press('Home');
    await eventuallySum(page, sums[0]!);
    await page.getByLabel('Speed of the replay').selectOption('600');
    await eventually(
      async () => (await page.locator('.replay output').textContent())?.endsWith(' · ended'),
      'the end of the replay',
    );
    await eventuallySum(page, sums[2]!);
    expect(await player.stop()).to.equal(0);
  });
});
