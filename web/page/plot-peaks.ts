/**
 * The peaks of one plot: marks over the counts and a table with energies, widths and areas, found
 * by the server in all channels of the first spectrum. A click on a mark or a row fits the peak.
 * `Plot` creates it. Sends requests over HTTP; changes the plot only through `PlotHandle`.
 */
import type { MeasuredPeak } from '../../analysis/peaks/measure-peaks.js';
import { formatMeasured, unitOf } from '../../plotting/measured.js';
import { channelWidth, toChannel } from '../view/axis.js';
import { spectrumAtMoment } from '../view/moment.js';
import { calibratedPlace } from '../view/region-cells.js';
import { DEFAULT_FIT } from '../view/region-spec.js';
import { element, keepFocus } from './dom.js';
import { drawPeakMark, type MarkArea } from './draw-marks.js';
import { channelToX } from './plot-area.js';
import type { PlotHandle } from './plot-interface.js';
import { currentPalette } from './theme.js';

interface PeaksAnswer {
  readonly peaks?: readonly MeasuredPeak[];
  readonly error?: { readonly message: string };
}

/** Pixels beside a mark that count as a click on it. */
const CLICK_PX = 7;
/** Height of the marks below the top of the counts, in pixels. */
const MARK_PX = 22;
/** A fit reaches so many widths to each side of a peak. */
const FIT_WIDTHS = 3;
const LEAST_CHANNELS = 6;

export class PlotPeaks {
  readonly element = element('div', { class: 'peaks', hidden: true });
  readonly #plot: PlotHandle;
  #peaks: readonly MeasuredPeak[] = [];
  #shown = false;
  /** The spectrum whose peaks are shown. */
  #spectrum = '';

  constructor(plot: PlotHandle) {
    this.#plot = plot;
  }

  get shown(): boolean {
    return this.#shown;
  }

  show(): void {
    this.#shown = true;
    this.#spectrum = this.#plot.spec.spectra[0] ?? '';
    this.#setContent(status('Searching …'));
    void this.#request();
  }

  hide(): void {
    this.#shown = false;
    this.#peaks = [];
    if (this.element.contains(document.activeElement)) this.#plot.element.focus();
    this.element.hidden = true;
    this.#plot.redraw();
  }

  /** Hides the peaks of a spectrum that the plot no longer shows. */
  update(): void {
    if (this.#shown && this.#plot.spec.spectra[0] !== this.#spectrum) {
      this.#shown = false;
      this.#peaks = [];
      this.element.hidden = true;
    }
  }

  draw(context: CanvasRenderingContext2D, { area, x }: MarkArea): void {
    const { ink } = currentPalette();
    for (const peak of this.#peaks) {
      const channel = this.#channelOf(peak);
      if (channel === undefined || channel < x[0] || channel > x[1]) continue;
      drawPeakMark(
        context,
        channelToX(area, x, channel),
        area.top + MARK_PX,
        peak.centroid.value.toFixed(1),
        ink,
      );
    }
  }

  fitAt(x: number, y: number): boolean {
    const { area, ranges } = this.#plot;
    if (area === undefined || ranges === undefined || y > area.top + MARK_PX + CLICK_PX) return false;
    const near = this.#peaks.find((peak) => {
      const channel = this.#channelOf(peak);
      return channel !== undefined && Math.abs(channelToX(area, ranges.x, channel) - x) <= CLICK_PX;
    });
    if (near !== undefined) this.#fit(near);
    return near !== undefined;
  }

  async #request(): Promise<void> {
    const { spectrum, atMs = this.#plot.momentMs } = spectrumAtMoment(this.#spectrum);
    const words = new URLSearchParams({ app: this.#plot.app ?? '', spectrum });
    if (atMs !== undefined) words.set('moment', String(atMs));
    try {
      const response = await fetch(`/api/peaks?${words.toString()}`);
      const answer = (await response.json()) as PeaksAnswer;
      if (!this.#shown) return;
      if (answer.peaks === undefined) return this.#setContent(status(answer.error?.message ?? 'no answer'));
      this.#peaks = answer.peaks;
      this.#showTable();
      this.#plot.redraw();
    } catch {
      this.#setContent(status('The server of the web viewer does not answer.'));
    }
  }

  #channelOf({ centroid }: MeasuredPeak): number | undefined {
    const spectrum = this.#plot.spectrum(0);
    return spectrum === undefined ? undefined : toChannel(spectrum.axis, centroid.value);
  }

  #fit({ centroid, fwhm }: MeasuredPeak): void {
    const axis = this.#plot.spectrum(0)?.axis;
    if (axis === undefined) return;
    const reach = Math.max(LEAST_CHANNELS, (FIT_WIDTHS * fwhm.value) / channelWidth(axis));
    const at = toChannel(axis, centroid.value);
    const [first, last] = axis.inRange;
    this.#plot.regions.add(
      { x: [Math.max(first, Math.round(at - reach)), Math.min(last, Math.round(at + reach))] },
      DEFAULT_FIT,
    );
  }

  #showTable(): void {
    const spectrum = this.#plot.spectrum(0);
    const unit = unitOf(spectrum?.axis.label ?? '');
    const calibration = spectrum?.calibration;
    const rows = this.#peaks.map((peak) => {
      const { centroid, fwhm, area, significance } = peak;
      const energy =
        calibration === undefined
          ? undefined
          : calibratedPlace({ value: centroid.value, error: centroid.error ?? 0 }, calibration);
      return element(
        'tr',
        {},
        element('td', {}, formatMeasured(centroid.value, centroid.error)),
        ...(energy === undefined ? [] : [element('td', {}, formatMeasured(energy.value, energy.error))]),
        element('td', {}, formatMeasured(fwhm.value, fwhm.error)),
        element('td', {}, area === undefined ? '—' : formatMeasured(area.value, area.error)),
        element('td', {}, significance.toFixed(1)),
        element(
          'td',
          {},
          fitButton(centroid.value.toFixed(1), () => this.#fit(peak)),
        ),
      );
    });
    const named = (text: string, of: string): string => (of === '' ? text : `${text} (${of})`);
    const heads = [
      ...[
        named('Centroid', unit),
        ...(calibration === undefined ? [] : [named('Calibrated', calibration.unit)]),
        named('FWHM', unit),
        'Area',
        'Significance (σ)',
      ].map((text) => element('th', { scope: 'col' }, text)),
      element('td', {}),
    ];
    const button = (text: string, onclick: () => void): HTMLElement =>
      element('button', { type: 'button', 'data-key': text, onclick }, text);
    this.#setContent(
      element(
        'p',
        { class: 'peaks-title' },
        `${this.#peaks.length} peaks of ${this.#spectrum} `,
        button('Search again', () => this.show()),
        button('Hide', () => this.hide()),
      ),
      element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows)),
    );
  }

  #setContent(...content: readonly HTMLElement[]): void {
    this.element.hidden = false;
    keepFocus(this.element, () => this.element.replaceChildren(...content));
  }
}

function status(text: string): HTMLElement {
  return element('p', { role: 'status' }, text);
}

function fitButton(at: string, onclick: () => void): HTMLElement {
  const label = `Fit the peak at ${at}`;
  return element('button', { type: 'button', 'aria-label': label, 'data-key': label, onclick }, 'Fit');
}
