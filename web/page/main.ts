/**
 * The page in the browser: a header, and below it the list of spectra beside the board of plots, or
 * the network. The address bar has the state of the page; all data come over one WebSocket. The
 * build bundles this file (`scripts/build-page.mjs`); it runs when the document loads.
 *
 *   viewer-page.ts     creates and connects all   board.ts, plot*.ts   plots
 *   connection.ts      the WebSocket              spectrum-list.ts     the list of spectra
 *   server-messages.ts what messages change       network*.ts          the network page
 *   page-state.ts      data from the server       layouts.ts           named layouts
 *   subscriptions.ts   visible views              travel.ts            the moment that is shown
 *   address-bar.ts     undo, Back and Forward     timeline-bar.ts      the time line
 *   page-keys.ts       keys of the whole page     trends.ts            trends and alarms
 */
import { element } from './dom.js';
import { restoreAddress } from './last-address.js';
import { signInForm } from './sign-in.js';
import { startTheme } from './theme.js';
import { ViewerPage } from './viewer-page.js';

/** The document of a browser that must sign in first has `data-gate`, and shows only the form. */
function start(): void {
  if (document.documentElement.dataset['gate'] === undefined) {
    void new ViewerPage(restoreAddress());
    return;
  }
  startTheme(() => undefined);
  const form = signInForm('h1', () => location.reload());
  document.body.replaceChildren(element('main', { class: 'gate' }, form));
  form.querySelector('input')?.focus();
}

start();
