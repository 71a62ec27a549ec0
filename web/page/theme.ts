/**
 * The theme of the page (light, dark, or that of the system) and the colours of its style sheet for
 * drawing on canvases. The header switches the theme, the plots read the colours. Reads and writes
 * the browser's storage, and sets an attribute of the document.
 */
type Theme = 'system' | 'light' | 'dark';

/** CSS colours by use; `series` for overlaid spectra, in order. */
export interface Palette {
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
  readonly paper: string;
  readonly accent: string;
  readonly region: string;
  readonly gate: string;
  readonly series: readonly string[];
}

const STORAGE_KEY = 'mirrorflow-theme';
/** Number of colours for overlaid spectra. */
const SERIES_COLOURS = 8;
let palette: Palette | undefined;

/** Applies the stored theme; `changed` is called when the system's theme changes. */
export function startTheme(changed: () => void): void {
  const update = (): void => {
    palette = undefined;
    changed();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', update);
  applyTheme(readStored());
}

/** Switches to the next theme and stores it. */
export function nextTheme(): void {
  const order: readonly Theme[] = ['system', 'light', 'dark'];
  const next = order[(order.indexOf(shownTheme()) + 1) % order.length] ?? 'system';
  try {
    localStorage.setItem(STORAGE_KEY, next);
  } catch {
    // Without storage the theme lasts as long as the page.
  }
  applyTheme(next);
}

export function currentPalette(): Palette {
  palette ??= readPalette();
  return palette;
}

/** The theme that the user has chosen. */
export function shownTheme(): Theme {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function readStored(): Theme {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORAGE_KEY);
  } catch {
    stored = null;
  }
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

/** Shows a theme without storing it. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  palette = undefined;
}

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    faint: colour('faint'),
    line: colour('line'),
    paper: colour('plot'),
    accent: colour('accent'),
    region: colour('region'),
    gate: colour('gate'),
    series: Array.from({ length: SERIES_COLOURS }, (_, index) => colour(`series-${index + 1}`)),
  };
}
