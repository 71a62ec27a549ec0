/**
 * The network page in a real browser: holding clients by name, details, starting and stopping.
 */
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { encodeEntry } from '../../nats/presence/entry.js';
import { SiteSeals } from '../../protocol/nats/signature.js';
import { connectTo, NatsRig } from '../kit/nats-rig.js';
import { needsNatsServer } from '../kit/nats-server.js';
import { SECRET, startsPages, type PageSystem, type PageSystemOptions } from './page-system.js';
import { eventually } from '../kit/eventually.js';

const RING = 8;
const HISTORY = 4;

describe('the network page in a browser', function () {
  const start = startsPages();

  async function open(options: PageSystemOptions = {}): Promise<PageSystem> {
    const running = await start(options);
    await running.page.goto(`${running.address}#/-/network/e1`);
    await running.page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
    return running;
  }

  /** The rows of the details by name. */
  async function details(page: Page): Promise<Record<string, string>> {
    const names = await page.locator('.network-details dt').allTextContents();
    const values = await page.locator('.network-details dd').allTextContents();
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
  }

  async function pressUntil(page: Page, key: string, label: RegExp): Promise<void> {
    await eventually(async () => {
      await page.keyboard.press(key);
      const focused = await page.evaluate(
        "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? ''",
      );
      return label.test(String(focused));
    }, `the focus on ${label}`);
  }

  it('picture and details name the client that holds a writer back, with history fill and lag', async () => {
    const { system, page, problems } = await open();
    const writer = await system.client('e1', 'writer');
    const sleeper = await system.client('e1', 'sleeper');
    const out = await writer.openOutput('events', { bufferSize: 64, buffers: RING });
    const input = await sleeper.openInput('events', { history: HISTORY });
    // Fills ring and history; one more buffer waits.
    const writes = Array.from({ length: RING + HISTORY + 1 }, () => out.write(new Uint8Array(64)));
    const flow = page.getByRole('button', {
      name: /^Flow events, held back by sleeper, slowest reader 8 of 8 behind/,
    });
    await flow.waitFor();
    await page
      .getByRole('button', { name: /^Client sleeper holds events back, history 4 of 4 · 8 behind/ })
      .click();
    await eventually(async () => {
      const { 'reads events': reads = '' } = await details(page);
      return /history 4 of 4 · 8 behind · lossless · holds the writer back/.test(reads);
    }, 'details of the reader');
    await flow.click();
    await eventually(async () => {
      const rows = await details(page);
      return (
        rows['held back by'] === 'sleeper' &&
        rows['fullest history'] === '100 %' &&
        rows['read by sleeper']?.includes('8 behind') === true &&
        rows['written by writer'] !== undefined &&
        rows['newest buffer']?.endsWith('ago') === true
      );
    }, 'details of the flow');
    for (let taken = 0; taken < writes.length; taken += 1) await input.take();
    await Promise.all(writes);
    await page.getByRole('button', { name: /^Flow events, no data for .*, readers up to date/ }).waitFor();
    await eventually(async () => (await details(page))['held back by'] === 'none', 'no holding client');
    expect(problems).to.deep.equal([]);
  });

  it('a flow shows for how long its source has been stale', async () => {
    const { page, simulator, system } = await open();
    await (await system.client('e1')).mirror();
    await page.getByRole('button', { name: /^Flow spectra, .*readers, newest buffer only/ }).waitFor();
    await simulator.close();
    await page.getByRole('button', { name: /^Flow spectra, stale for / }).waitFor();
  });

  it('the page agrees with its header about paused plots and a stale source, with age and cause', async () => {
    const { page, simulator } = await open();
    const pill = (): Promise<string | null> => page.locator('.pill').textContent();
    const note = page.locator('.network-state');
    await eventually(async () => (await pill()) === 'live', 'a live source');
    expect(await note.isVisible()).to.equal(false);
    await page.keyboard.press('p');
    await eventually(async () => (await pill()) === 'paused', 'a paused header');
    expect(await note.textContent()).to.equal('e1: the plots are paused; this page is not.');
    await page.keyboard.press('p');
    await eventually(async () => (await pill()) === 'live', 'a live source again');
    expect(await note.isVisible()).to.equal(false);
    await simulator.close();
    await eventually(async () => (await pill()) === 'stale', 'a stale header');
    // The cause comes after the state. The ages of both are renewed together, once a second.
    const text = /^e1: SpecTcl does not answer\. The data shown are .+ old\. Cause: ./;
    await eventually(async () => {
      const shown = (await note.textContent()) ?? '';
      return text.test(shown) && shown === `e1: ${await page.locator('.pill-detail').textContent()}`;
    }, 'the text of the header, with age and cause, on the network page');
    const [top, picture] = await Promise.all([
      note.boundingBox(),
      page.locator('.network-picture svg').boundingBox(),
    ]);
    expect(picture!.y, 'the picture below the text').to.be.at.least(top!.y + top!.height);
    expect(picture!.width, 'width of the picture').to.be.above(600);
  });

  it('a source can be opened, and so can the spectra of an application; the picture has the header state', async () => {
    const { page, simulator } = await open();
    await page.getByRole('button', { name: 'Application e1 · live' }).waitFor();
    await page.getByRole('button', { name: /^Source SpecTcl, 127\.0\.0\.1, live/ }).click();
    await eventually(
      async () => (await details(page))['mirrored into'] === 'flow spectra',
      'the details of the source',
    );
    expect((await details(page))['address']).to.match(/^spectcl:/);
    await simulator.close();
    await page.getByRole('button', { name: 'Application e1 · stale' }).click();
    await page.getByRole('button', { name: 'Show the spectra' }).click();
    await page.locator('.plot').first().waitFor();
    expect(await page.evaluate('location.hash')).to.match(/^#\/e1\?/);
  });

  it('a user who has signed in stops and starts an application', async () => {
    const { system, page } = await open({ secret: true });
    const stop = page.getByRole('button', { name: 'Stop this application' });
    expect(await stop.isDisabled()).to.equal(true);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('dialog input').fill(SECRET);
    await Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    page.on('dialog', (dialog) => void dialog.accept());
    await stop.click();
    const start = page.getByRole('button', { name: 'Start this application' });
    await start.waitFor();
    expect((await system.host.applications())[0]).to.include({ name: 'e1', state: 'stopped' });
    await start.click();
    await stop.waitFor();
    expect((await system.host.applications())[0]).to.include({ name: 'e1', state: 'running' });
    await page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  it('the keyboard alone reaches the details of a flow and of an application', async () => {
    const { page, address } = await start();
    await page.goto(`${address}#/e1?p=tof`);
    await page.locator('.plot[data-sequence]:not([data-sequence=""])').first().waitFor();
    await page.keyboard.press('n');
    await page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
    await pressUntil(page, 'Tab', /^Flow spectra/);
    await page.keyboard.press('Enter');
    await eventually(async () => (await details(page))['type'] === 'spectra', 'its details');
    await pressUntil(page, 'Shift+Tab', /^Application e1/);
    await page.keyboard.press(' ');
    await eventually(
      async () => (await details(page))['source'] !== undefined,
      'the details of the application',
    );
    await page.keyboard.press('n');
    await page.locator('.plot').first().waitFor();
  });

  it('the pages fit a narrow window, with readable texts in the picture', async () => {
    const { page, address } = await open({ width: 400, height: 800 });
    const fits = async (): Promise<boolean> =>
      (await page.evaluate('document.documentElement.scrollWidth <= innerWidth')) === true;
    expect(await fits(), 'network').to.equal(true);
    const smallest = await page.evaluate(
      "Math.min(...[...document.querySelectorAll('.network-picture text')].filter((text) => text.textContent !== '').map((text) => text.getBoundingClientRect().height))",
    );
    expect(smallest).to.be.above(11);
    await page.goto(`${address}#/e1?p=tof&p=pid.de-vs-e`);
    await page.locator('.plot[data-sequence]:not([data-sequence=""])').first().waitFor();
    expect(await fits(), 'spectra').to.equal(true);
  });

  it('hosts of other sites are listed with what they publish', async function () {
    needsNatsServer(this);
    const rig = await NatsRig.start({ leaves: [] });
    try {
      const { page, problems } = await open({ hostOptions: ['--nats', rig.hub.address('test')] });
      const gsi = await connectTo(rig.access('hub', 'gsi'));
      const bucket = await new Kvm(jetstream(gsi)).open('test');
      const host = {
        site: 'gsi',
        host: 'daq1',
        version: '0.2.0',
        since: new Date(),
        applications: [{ name: 'e1', state: 'running' as const }],
        flows: [{ app: 'e1', flow: 'spectra', type: 'spectcl-mirror', state: 'running' as const }],
      };
      await bucket.put(
        'gsi.daq1',
        encodeEntry(new SiteSeals(undefined, undefined), 'gsi.daq1', { host, atMs: 1 }),
      );
      await page.getByRole('row', { name: 'gsi daq1.gsi e1 e1/spectra' }).waitFor();
      await gsi.close();
      expect(problems).to.deep.equal([]);
    } finally {
      await rig.stop();
    }
  });
});
