/**
 * The table of hosts of other sites below the network picture: which applications and flows they
 * publish. The network page shows it when there are any. Makes elements, inserts nothing.
 */
import { farHostRows } from '../view/far-host-rows.js';
import type { FarHost } from '../wire/network.js';
import { element } from './dom.js';

const HEADINGS = ['site', 'host', 'applications', 'flows'];

export function farHostTable(hosts: readonly FarHost[]): HTMLElement {
  return element(
    'table',
    { class: 'far-hosts' },
    element('caption', {}, 'Other sites'),
    element('thead', {}, element('tr', {}, ...HEADINGS.map((text) => element('th', { scope: 'col' }, text)))),
    element(
      'tbody',
      {},
      ...farHostRows(hosts).map((cells) =>
        element('tr', {}, ...cells.map((text) => element('td', {}, text))),
      ),
    ),
  );
}
