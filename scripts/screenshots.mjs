// `npm run screenshots`: writes a picture of every page and state of the web viewer to
// docs/screenshots, from a simulator with a fixed seed. Starts a real system and a browser.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, prepare } from './setup.mjs';

prepare({ build: true });
const dist = (path) => join(ROOT, 'dist', path);
const { RealSystem } = await import(dist('test/kit/real-system.js'));
const { eventually } = await import(dist('test/kit/eventually.js'));
const { openBrowser } = await import(dist('test/browser/browser.js'));
const { WebServer } = await import(dist('web/server/web-server.js'));
const { Logger } = await import(dist('protocol/base/log.js'));
const { Secret } = await import(dist('protocol/rpc/security/secret.js'));

const TARGET = join(ROOT, 'docs', 'screenshots');
const SETTLED_MS = 1_500;
const BOARD =
  '#/e23001?cols=2&p=ge.00.Co-60;x=2200-2800;g=A,0,2330-2365,gauss.1.1&p=pid.de-vs-e&p=ge.01.Eu-152,ge.02.Cs-137;s=log&p=tof;r=10';

mkdirSync(TARGET, { recursive: true });
const system = new RealSystem();
system.web = 'tcp://127.0.0.1:0';
await system.startHost();
const simulator = await system.simulator({ rate: 100_000, intervalMs: 100, fillers: 189 });
simulator.step(3_000_000);
await system.host.run({ name: 'e23001', source: simulator.address, updateIntervalMs: 100 });
const address = await eventually(async () => (await system.host.info()).web, 'the web viewer serves');

// A display, and a flow whose reader stops taking buffers, so that its writer waits.
const analysis = await system.client('e23001', 'analysis');
await analysis.mirror();
const builder = await system.client('e23001', 'event-builder');
const sorter = await system.client('e23001', 'sorter');
const output = await builder.openOutput('events', { bufferSize: 8192, buffers: 32 });
const input = await sorter.openInput('events', { history: 16 });
for (let count = 0; count < 60; count += 1) output.write(new Uint8Array(8192)).catch(() => undefined);
for (let count = 0; count < 5; count += 1) await input.take();

/** Opens a browser page and passes it to `take` with a function that saves a screenshot. */
async function pictures(options, take) {
  const browser = await openBrowser(options);
  const page = browser.context.pages()[0];
  const saveScreenshot = async (name) => {
    await page.waitForTimeout(SETTLED_MS);
    writeFileSync(join(TARGET, `${name}.png`), await page.screenshot());
    process.stdout.write(`${name}\n`);
  };
  await take(page, saveScreenshot);
  await browser.close();
}

const drawn = (page) => page.locator('.plot[data-sequence]:not([data-sequence=""])').first().waitFor();

await pictures({}, async (page, shot) => {
  await page.goto(address);
  await drawn(page);
  await shot('opened');
  await page.goto(address + BOARD);
  await drawn(page);
  await page
    .locator('.plot canvas')
    .first()
    .hover({ position: { x: 230, y: 100 } });
  await page.waitForTimeout(10_000);
  await shot('board');
  await page.goto(
    `${address}#/e23001?p=pid.de-vs-e;s=log;g=A,0,60-200,20-120&p=pid.de-vs-e;j=x&p=pid.de-vs-e;j=y&p=pid.alpha`,
  );
  await drawn(page);
  await shot('projections');
  await page.goto(`${address}#/e23001?p=tof&p=tof;r=1&p=tof;r=10&p=tof;r=60`);
  await drawn(page);
  await page.waitForTimeout(10_000);
  await shot('rates');
  await page.keyboard.press('?');
  await shot('help');
  await page.keyboard.press('Escape');
  await page.goto(`${address}#/-/network/e23001`);
  await page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
  await shot('network');
  await page.getByRole('button', { name: /^Flow events, held back/ }).click();
  await shot('network-held');
  await page.goto(`${address}#/e23001?p=no-such-spectrum`);
  await page.locator('input[type=search]').fill('zzz');
  await shot('empty');
});
await pictures({ dark: true }, async (page, shot) => {
  await page.goto(address + BOARD);
  await drawn(page);
  await shot('board-dark');
  await page.goto(`${address}#/-/network/e23001`);
  await page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
  await shot('network-dark');
});
await pictures({ width: 420, height: 860 }, async (page, shot) => {
  await page.goto(`${address}#/e23001?p=ge.00.Co-60&p=pid.de-vs-e`);
  await drawn(page);
  await shot('narrow');
  await page.goto(`${address}#/-/network/e23001`);
  await page.getByRole('button', { name: /^Flow events, held back/ }).waitFor();
  await shot('network-narrow');
});
await pictures({}, async (page, shot) => {
  await page.goto(address + BOARD);
  await drawn(page);
  await simulator.close();
  await page.locator('.pill[data-state="stale"]').waitFor();
  await shot('stale');
  await page.goto(`${address}#/-/network/e23001`);
  await page.getByRole('button', { name: /^Flow spectra/ }).waitFor();
  await shot('network-stale');
  // A writer whose buffers wait closes only after its reader, and while the application runs.
  await sorter.close();
  await builder.close();
  await system.host.stop('e23001');
  await page.goto(`${address}#/e23001?p=tof`);
  await page.locator('.pill[data-state="stopped"]').waitFor();
  await shot('stopped');
  await system.host.run({ name: 'unreachable', source: 'spectcl://127.0.0.1?rest=9&mirror=9' });
  await page.goto(`${address}#/unreachable`);
  await page.locator('.pill[data-state="broken"]').waitFor();
  await shot('broken');
});
const secret = await WebServer.start(
  {
    listening: {
      listen: { scheme: 'tcp', host: '0.0.0.0', port: 0 },
      orAnyPort: false,
      names: [],
      secret: new Secret('a secret for a picture'),
    },
    host: {
      directory: system.directory,
      stateDirectory: join(system.directory, 'state'),
      recordings: [],
    },
    assets: dist('web/static'),
    version: '',
  },
  new Logger('web', { level: 'error' }),
);
await pictures({}, async (page, shot) => {
  await page.goto(secret.address.replace('0.0.0.0', '127.0.0.1'));
  await page.locator('form.sign-in input').fill('not the secret');
  await page.keyboard.press('Enter');
  await page.locator('.problem').waitFor();
  await shot('sign-in');
});
await secret.close();
await system.stop(false);
