/**
 * The text of an empty board: what to do, or why no spectra are available. `Board` shows it.
 * Changes only its own element.
 */
import type { WatchStatus } from '../wire/application.js';
import { element } from './dom.js';

export class BoardNote {
  readonly element = element('div', { class: 'board-empty' });
  #shown = '';

  update(status: WatchStatus | undefined): void {
    const unavailable = status !== undefined && (status.state === 'broken' || status.state === 'stopped');
    const lines = unavailable
      ? [
          status.state === 'stopped' ? 'This application does not run' : 'The spectra are not available',
          status.cause ?? 'Start it on the network page, or with “mirrorflow run”.',
          'The viewer retries every second; the page continues by itself.',
        ]
      : [
          'Choose a spectrum',
          'Click one in the list, or press / to search and Enter to show it.',
          'Shift-click overlays it on the active plot; + adds a plot.',
        ];
    if (this.#shown === lines.join('\n')) return;
    this.#shown = lines.join('\n');
    const [heading = '', ...rest] = lines;
    this.element.replaceChildren(element('h2', {}, heading), ...rest.map((line) => element('p', {}, line)));
  }
}
