/**
 * The page on paper: light colours, whatever the theme, and a line with application and time.
 * `viewer-page.ts` calls it once. Changes the theme while the browser prints, and adds the line,
 * which only paper shows (`print.css`).
 */
import { momentText } from '../view/moment.js';
import { element, setText } from './dom.js';
import { applyTheme, shownTheme } from './theme.js';

/** `redraw` draws the plots at once. */
export function preparePrinting(redraw: () => void): void {
  const line = element('p', { class: 'print-line', 'aria-hidden': 'true' });
  document.body.prepend(line);
  let theme = shownTheme();
  addEventListener('beforeprint', () => {
    theme = shownTheme();
    applyTheme('light');
    setText(line, `${document.title} · ${location.host} · ${momentText(Date.now())}`);
    redraw();
  });
  addEventListener('afterprint', () => {
    applyTheme(theme);
    redraw();
  });
}
