/**
 * Gates in a real browser: drawn on one page, seen on another and by a client of the gateway that
 * asks as CutiePie does, and the reverse.
 */
import { expect } from 'chai';
import type { Locator, Page } from 'playwright-core';
import { SpectraView } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';
import { SECRET, startsPages, type PageSystem, type PageSystemOptions } from './page-system.js';
import { dragged, eventuallyDrawn, placeIn } from './page-reading.js';

const COBALT = 'ge.00.Co-60';
const MAP = 'pid.de-vs-e';

interface ListedGate {
  readonly name: string;
  readonly type: string;
  readonly low?: number;
  readonly high?: number;
  readonly points?: readonly { readonly x: number; readonly y: number }[];
}

describe('gates on the page', () => {
  const start = startsPages();
  let pages: PageSystem;

  async function open(plot: string, options: PageSystemOptions = {}): Promise<Page> {
    pages = await start({
      secret: true,
      application: { allowChanges: true, gateway: { restPort: 0, mirrorPort: 0 } },
      ...options,
    });
    const { page } = pages;
    await page.goto(`${pages.address}#/e1?cols=1&p=${plot}`);
    return page;
  }

  async function signIn(page: Page): Promise<void> {
    await page.evaluate(`fetch('/sign-in', { method: 'POST', body: ${JSON.stringify(SECRET)} })`);
    await page.reload();
    await eventuallyDrawn(page, 1);
  }

  /** A second page, of the same browser. */
  async function secondPage(plot: string): Promise<Page> {
    const second = await pages.page.context().newPage();
    second.on('pageerror', (error) => pages.problems.push(error.message));
    await second.goto(`${pages.address}#/e1?cols=1&p=${plot}`);
    await eventuallyDrawn(second, 1);
    return second;
  }

  async function listed(port = pages.simulator.restPort): Promise<readonly ListedGate[]> {
    const answer = await fetch(`http://127.0.0.1:${port}/spectcl/gate/list`);
    return ((await answer.json()) as { readonly detail: readonly ListedGate[] }).detail;
  }

  const gateOf = async (name: string): Promise<ListedGate | undefined> =>
    (await listed()).find((gate) => gate.name === name);

  const row = (page: Page, gate: string): Locator => page.locator(`[data-gate="${gate}"]`);

  async function choose(page: Page, item: string): Promise<void> {
    await page.locator('.plot-tools summary').first().click();
    await page.getByRole('button', { name: item, exact: true }).click();
  }

  async function chooseFor(page: Page, gate: string, item: string): Promise<void> {
    const details = page.locator('.gates details').first();
    if ((await details.getAttribute('open')) === null) await details.locator('summary').first().click();
    await row(page, gate).locator('summary').click();
    await row(page, gate).getByRole('button', { name: item, exact: true }).click();
  }

  const drawnOn = (page: Page, gate: string, isDrawn = true): Promise<unknown> =>
    eventually(
      async () => {
        const names = (await page.locator('.plot').first().getAttribute('data-gates')) ?? '';
        return names.split(' ').includes(gate) === isDrawn;
      },
      `${gate} is ${isDrawn ? '' : 'not '}drawn`,
    );

  async function clickAt(page: Page, right: number, down: number): Promise<void> {
    const { x, y } = await placeIn(page, 0, right, down);
    await page.mouse.click(x, y);
  }

  it('a slice that one page draws is on the other page, at the gateway and in SpecTcl; changed, deleted and undone', async () => {
    const page = await open(COBALT);
    await signIn(page);
    const second = await secondPage(COBALT);
    await choose(page, 'New slice');
    await clickAt(page, 0.25, 0.5);
    await clickAt(page, 0.75, 0.5);
    await page.getByLabel('Name of the gate').fill('drawn');
    await page.getByRole('button', { name: 'Send to SpecTcl' }).click();
    await drawnOn(second, 'drawn');
    await eventually(
      async () => (await row(page, 'drawn').getAttribute('data-state')) === 'listed',
      'the gate is no longer pending',
    );
    const { gateway } = await (await pages.system.client('e1')).appInfo();
    expect((await listed(gateway!.restPort)).map(({ name }) => name)).to.include('drawn');
    const made = (await gateOf('drawn'))!;
    expect(made.low! / 2_048).to.be.closeTo(0.25, 0.02);
    expect(made.high! / 2_048).to.be.closeTo(0.75, 0.02);
    // Dragging the lower limit.
    await chooseFor(page, 'drawn', 'Change its shape');
    await dragged(page, await placeIn(page, 0, 0.25, 0.5), await placeIn(page, 0, 0.1, 0.5));
    await page.getByRole('button', { name: 'Send to SpecTcl' }).click();
    const changed = await eventually(async () => {
      const gate = await gateOf('drawn');
      return gate!.low! / 2_048 < 0.15 ? gate : undefined;
    }, 'the changed limit');
    expect(changed?.high).to.be.closeTo(made.high!, 1);
    await page.getByRole('button', { name: 'Undo the change of drawn' }).click();
    await eventually(async () => (await gateOf('drawn'))!.low === made.low, 'the limit before');
    await chooseFor(page, 'drawn', `Apply it to ${COBALT}`);
    await row(page, 'drawn').getByText('applied').waitFor();
    await chooseFor(page, 'drawn', 'Rename …');
    await page.getByLabel('New name of the gate').fill('renamed');
    await page.locator('dialog').getByRole('button', { name: 'Rename' }).click();
    await drawnOn(second, 'renamed');
    await drawnOn(second, 'drawn', false);
    await row(page, 'renamed').getByText('applied').waitFor();
    await chooseFor(page, 'renamed', 'Delete');
    await drawnOn(second, 'renamed', false);
    expect((await gateOf('renamed'))!.type).to.equal('F');
    await page.locator('.notices').getByRole('button', { name: 'Undo' }).click();
    await drawnOn(second, 'renamed');
    expect(pages.problems).to.deep.equal([]);
  });

  it('a contour is drawn by keys alone, a band by pointer; a gate of a client of the gateway appears', async () => {
    const page = await open(MAP);
    await signIn(page);
    const second = await secondPage(MAP);
    await choose(page, 'New contour');
    await page.locator('.plot').first().focus();
    const walk = async (key: string, times: number): Promise<void> => {
      for (let step = 0; step < times; step += 1) await page.keyboard.press(key);
    };
    await walk('ArrowLeft', 20);
    await page.keyboard.press('Enter');
    await walk('ArrowRight', 40);
    await page.keyboard.press('Enter');
    await walk('ArrowUp', 30);
    await page.keyboard.press('Enter');
    // One point too many, which is removed again.
    await walk('ArrowUp', 5);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Delete');
    await page.keyboard.press('s');
    await drawnOn(second, 'gate1');
    const contour = (await gateOf('gate1'))!;
    expect([contour.type, contour.points?.length]).to.deep.equal(['c', 3]);
    expect(contour.points![1]!.x).to.be.greaterThan(contour.points![0]!.x);
    expect(contour.points![2]!.y).to.be.greaterThan(contour.points![1]!.y);
    await choose(page, 'New band');
    for (const [right, down] of [
      [0.2, 0.6],
      [0.8, 0.4],
      [0.5, 0.2],
    ] as const) {
      await clickAt(page, right, down);
    }
    await page.keyboard.press('s');
    await drawnOn(second, 'gate2');
    expect((await gateOf('gate2'))!.points!.map(({ x }) => Math.round((x / 120) * 10))).to.deep.equal([
      2, 5, 8,
    ]);
    const { gateway } = await (await pages.system.client('e1')).appInfo();
    const points = 'xcoord(0)=10&ycoord(0)=2&xcoord(1)=50&ycoord(1)=2&xcoord(2)=50&ycoord(2)=9';
    const asked = `gate/edit?name=cutie&type=c&xparameter=si.e&yparameter=si.de&${points}`;
    const answer = await fetch(`http://127.0.0.1:${gateway!.restPort}/spectcl/${asked}`);
    expect(((await answer.json()) as { readonly status: string }).status).to.equal('OK');
    await drawnOn(page, 'cutie');
    await drawnOn(second, 'cutie');
    expect(pages.problems).to.deep.equal([]);
  });

  it("figures are those of all channels, a refusal is SpecTcl's own words, and what is missing is named", async () => {
    const page = await open('tof;x=100-300');
    await eventuallyDrawn(page, 1);
    await page.locator('.gates summary').first().click();
    const counts = row(page, 'beam').locator('.gate-counts');
    // The spectrum has the gate applied: all that it counts is inside.
    const { sum } = new SpectraView(pages.simulator.memory).get('tof');
    await eventually(
      async () => Number(((await counts.textContent()) ?? '').split(' ')[0]!.replaceAll(',', '')) === sum,
      `${sum} counts inside the gate`,
    );
    await choose(page, 'New slice');
    await page.locator('.notices', { hasText: 'needs signing in' }).waitFor();
    await signIn(page);
    await choose(page, 'New slice');
    await page.getByLabel('Lower limit of the gate').fill('1');
    await page.getByLabel('Upper limit of the gate').fill('2');
    await page.getByLabel('Upper limit of the gate').press('Tab');
    pages.simulator.misbehave({ rest: 'status' });
    await page.getByRole('button', { name: 'Send to SpecTcl' }).click();
    await page.locator('.notices', { hasText: 'The simulator is configured to refuse requests' }).waitFor();
    // The draft is there to be sent again.
    expect(Number(await page.getByLabel('Upper limit of the gate').inputValue())).to.equal(2);
    await drawnOn(page, 'gate1', false);
    pages.simulator.misbehave({ rest: 'none' });
    await page.getByRole('button', { name: 'Send to SpecTcl' }).click();
    await drawnOn(page, 'gate1');
    await pages.system.host.restart({
      name: 'e1',
      allowChanges: false,
      gateway: { restPort: 0, mirrorPort: 0 },
    });
    await page.reload();
    await eventuallyDrawn(page, 1);
    // The viewer learns the options when it has connected to the application again.
    await eventually(async () => {
      await choose(page, 'New slice');
      const notice = await page.locator('.notices').textContent();
      await page.keyboard.press('Escape');
      return notice?.includes('needs allowChanges of the application e1');
    }, 'a notice that names what is missing');
  });
});
