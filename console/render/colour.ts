/**
 * Detects what a terminal can show from its environment variables, and applies text styles.
 *
 * `output.ts` detects the abilities once per command; all renderers take them. Pure: no I/O.
 */

/**
 * `basic`: the 16 colours every colour terminal has; `256`: the xterm palette; `truecolor`: 24
 * bits.
 */
export type ColourDepth = 'none' | 'basic' | '256' | 'truecolor';

/** Colours and characters that an output can show. */
export interface TerminalStyle {
  readonly colour: ColourDepth;
  /** Whether characters beyond ASCII may be written. */
  readonly unicode: boolean;
}

export interface TerminalAbilities extends TerminalStyle {
  /** Whether lines can be repainted in place; otherwise output is only appended. */
  readonly repaint: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The abilities of the output that `env` and `isTTY` describe.
 * FORCE_COLOR (0 to 3) beats NO_COLOR, as in Node itself; both beat the terminal's type.
 */
export function terminalAbilities(env: Environment, isTTY: boolean): TerminalAbilities {
  return {
    colour: colourDepth(env, isTTY),
    unicode: showsUnicode(env),
    repaint: isTTY && env['TERM'] !== 'dumb',
  };
}

function colourDepth(env: Environment, isTTY: boolean): ColourDepth {
  switch (env['FORCE_COLOR']) {
    case '0':
    case 'false':
      return 'none';
    case '2':
      return '256';
    case '3':
      return 'truecolor';
    case undefined:
      break;
    default: {
      const depth = depthOfTerminal(env);
      return depth === 'none' ? 'basic' : depth;
    }
  }
  if (!isTTY || (env['NO_COLOR'] ?? '') !== '') return 'none';
  return depthOfTerminal(env);
}

function depthOfTerminal(env: Environment): ColourDepth {
  const type = env['TERM'] ?? '';
  if (type === 'dumb') return 'none';
  if (/^(?:truecolor|24bit)$/i.test(env['COLORTERM'] ?? '') || /-direct|kitty|ghostty/.test(type)) {
    return 'truecolor';
  }
  return /256|^screen|^tmux/.test(type) ? '256' : 'basic';
}

function showsUnicode(env: Environment): boolean {
  // The Linux console decodes UTF-8, but its fonts have no eighth blocks.
  if (env['TERM'] === 'linux') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return /utf-?8/i.test(locale ?? '');
}

/**
 * The text styles of the console, by the number that ECMA-48 "select graphic rendition" gives them.
 */
const STYLE_CODES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
  alarm: '1;7;31',
} as const;

export type TextStyle = keyof typeof STYLE_CODES;

/** The text in a style that ends after it; the bare text without colours, style or text. */
export function styled(text: string, style: TextStyle | undefined, colour: ColourDepth): string {
  if (colour === 'none' || style === undefined || text === '') return text;
  return `\x1b[${STYLE_CODES[style]}m${text}\x1b[0m`;
}
