/** Light, dark, or as the system has it; and the colours that canvases need as words. */
type Theme = 'system' | 'light' | 'dark';

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

const KEY = 'mirrorflow-theme';
const SERIES = 8;
let palette: Palette | undefined;

export function startTheme(changed: () => void): void {
  const renew = (): void => {
    palette = undefined;
    changed();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', renew);
  apply(chosen());
}

export function nextTheme(): Theme {
  const order: readonly Theme[] = ['system', 'light', 'dark'];
  const next = order[(order.indexOf(chosen()) + 1) % order.length] ?? 'system';
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
  apply(next);
  return next;
}

export function currentPalette(): Palette {
  palette ??= read();
  return palette;
}

function chosen(): Theme {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    kept = null;
  }
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  palette = undefined;
}

function read(): Palette {
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
    series: Array.from({ length: SERIES }, (_, index) => colour(`series-${index + 1}`)),
  };
}
