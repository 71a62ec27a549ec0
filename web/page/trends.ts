/**
 * Trends and alarms of the page: the strip, the tone, and the dialog, whose code (`trend-plot.ts`,
 * with the plot) is a script of its own that is loaded at the first use. `viewer-page.ts` creates
 * it and inserts the strip. Loads that script and its style sheet.
 */
import { isSoundWished, playTone } from './alarm-sound.js';
import { element } from './dom.js';
import type { Notices } from './notices.js';
import type { PageState } from './page-state.js';
import { currentPalette } from './theme.js';
import type * as TrendPlot from './trend-plot.js';
import { TrendStrip } from './trend-strip.js';

/** Paths of the script and of its style sheet; the build puts them here. */
declare const TREND_PLOT_PATH: string;
declare const TREND_STYLE_PATH: string;

export class Trends {
  readonly strip: TrendStrip;
  readonly #state: PageState;
  readonly #notices: Notices;
  #raised: ReadonlySet<string> | undefined;

  constructor(state: PageState, notices: Notices) {
    this.#state = state;
    this.#notices = notices;
    this.strip = new TrendStrip(state, (trend) => this.show({ trend }));
    state.on('alarms', () => this.#alarmsChanged());
    state.on('list', () => {
      if (state.spectra === undefined) this.#raised = undefined;
    });
  }

  show(opening: TrendPlot.TrendsOpening = {}): void {
    if (this.#state.app === undefined)
      return this.#notices.show('There is no application to show trends of.');
    void this.#open(opening);
  }

  async #open(opening: TrendPlot.TrendsOpening): Promise<void> {
    try {
      if (document.querySelector(`link[href="${TREND_STYLE_PATH}"]`) === null) {
        document.head.append(element('link', { rel: 'stylesheet', href: TREND_STYLE_PATH }));
      }
      const { showTrends } = (await import(TREND_PLOT_PATH)) as typeof TrendPlot;
      showTrends(this.#state, this.#notices, currentPalette(), opening);
    } catch (error) {
      this.#notices.show(error instanceof Error ? error.message : String(error));
    }
  }

  /** A tone for an alarm that was not raised before; none for those when the page was opened. */
  #alarmsChanged(): void {
    const raised = new Set(
      Object.entries(this.#state.alarms).flatMap(([name, alarm]) => (alarm.raised ? [name] : [])),
    );
    const before = this.#raised;
    this.#raised = raised;
    if (before === undefined) return;
    const added = [...raised].filter((name) => !before.has(name));
    if (added.length === 0) return;
    this.#notices.show(`Alarm: ${added.join(', ')}`, { text: 'Show', run: () => this.show() });
    if (isSoundWished()) playTone();
  }
}
