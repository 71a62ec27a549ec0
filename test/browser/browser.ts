/**
 * Starts a Chromium of this machine for the tests of browser/; without one the tests are skipped
 * with the reason. Starts processes, which end with the browser.
 */
import { existsSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { skip } from '../kit/skip.js';

const PLACES = [
  process.env['MIRRORFLOW_BROWSER'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** For any user, also root, without a display and without connections to the internet. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

const BROWSER = PLACES.find((place) => place !== undefined && place !== '' && existsSync(place));
const NO_BROWSER =
  'no Chromium on this machine: run scripts/install-test-packages.sh, or set MIRRORFLOW_BROWSER to one';

/** Skips the suite, with the reason, where there is no browser. */
export function needsBrowser(): void {
  before(function () {
    if (BROWSER === undefined) skip(this, NO_BROWSER);
  });
}

export interface BrowserOptions {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** A phone: fingers instead of a mouse. */
  readonly touch?: boolean;
}

/** A browser with an empty profile; `close` also deletes the profile. */
export async function openBrowser({
  width = 1280,
  height = 800,
  dark = false,
  touch = false,
}: BrowserOptions = {}): Promise<{
  context: BrowserContext;
  close: () => Promise<void>;
}> {
  const profile = mkdtempSync(join(tmpdir(), 'mirrorflow-test-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...(BROWSER === undefined ? {} : { executablePath: BROWSER }),
    args: ARGUMENTS,
    viewport: { width, height },
    hasTouch: touch,
    isMobile: touch,
    colorScheme: dark ? 'dark' : 'light',
    acceptDownloads: true,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
