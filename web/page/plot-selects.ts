/**
 * The select boxes of a plot: scale of the counts, all counts or a rate, units or channels. They
 * stand in the bar of a wide plot, and in the menu of a narrow one. Created by `plot-bar.ts` and
 * `plot-menu.ts`; change the plot only through `PlotHandle`.
 */
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import { RATE_WINDOWS_S } from '../wire/subscription.js';
import { momentText } from '../view/moment.js';
import { element, selectBox, setText } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

const SCALE_LABELS: Readonly<Record<ScaleName, string>> = { linear: 'Linear', log: 'Log', sqrt: 'Root' };

export class PlotSelects {
  readonly element: HTMLElement;
  readonly #plot: PlotHandle;
  readonly #scale: HTMLSelectElement;
  readonly #counts: HTMLSelectElement;
  readonly #axis: HTMLSelectElement;
  readonly #since = element('option', { value: 'since' });

  constructor(plot: PlotHandle) {
    this.#plot = plot;
    this.#scale = selectBox(
      'Scale of counts',
      SCALE_NAMES.map((scale) => [scale, SCALE_LABELS[scale]] as const),
      plot.scale,
      (scale) => plot.change({ scale }),
    );
    this.#counts = selectBox(
      'Counts',
      [
        ['all', 'All counts'],
        ...RATE_WINDOWS_S.map((window) => [String(window), `Per second, last ${window} s`] as const),
      ],
      'all',
      (value) => {
        if (value === 'since') return;
        const rateS = RATE_WINDOWS_S.find((window) => String(window) === value);
        plot.change({ rateS, sinceMs: undefined });
      },
    );
    this.#axis = selectBox(
      'Axis',
      [
        ['units', 'Units'],
        ['channels', 'Channels'],
      ],
      'units',
      (value) => plot.change({ channels: value === 'channels' }),
    );
    this.element = element('div', { class: 'plot-selects' }, this.#scale, this.#counts, this.#axis);
  }

  update(): void {
    const { scale, spec } = this.#plot;
    this.#scale.value = scale;
    this.#updateSince(spec.sinceMs);
    this.#counts.value = spec.sinceMs === undefined ? String(spec.rateS ?? 'all') : 'since';
    this.#axis.value = spec.channels ? 'channels' : 'units';
  }

  /** The choice of the counts since a moment is there while the plot shows them. */
  #updateSince(sinceMs: number | undefined): void {
    if (sinceMs === undefined) return this.#since.remove();
    setText(this.#since, `Since ${momentText(sinceMs)}`);
    if (this.#since.parentElement === null) this.#counts.append(this.#since);
  }
}
