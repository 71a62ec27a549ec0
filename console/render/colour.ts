/**
 * What a terminal can show, decided from its environment alone, and the few text styles that the
 * console uses.
 */

/**
 * `basic`: the 16 colours every colour terminal has; `256`: the xterm palette; `truecolor`: 24
 * bits.
 */
export type ColourDepth = 'none' | 'basic' | '256' | 'truecolor';

/** What an output can show. All renderers take these two. */
export interface TerminalStyle {
  readonly colour: ColourDepth;
  /** Whether characters beyond ASCII may be written. */
  readonly unicode: boolean;
}

export interface TerminalAbilities extends TerminalStyle {
  /** Whether lines may be repainted in place; without it output is only ever appended. */
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
    unicode: speaksUnicode(env),
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
      const own = depthOfTerminal(env);
      return own === 'none' ? 'basic' : own;
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

function speaksUnicode(env: Environment): boolean {
  // The kernel's own console decodes UTF-8, but its fonts have no eighth blocks.
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

/**
 * The text in a style, the style ended behind it; the bare text when there is no colour, style or
 * text.
 */
export function styled(text: string, style: TextStyle | undefined, colour: ColourDepth): string {
  if (colour === 'none' || style === undefined || text === '') return text;
  return `\x1b[${STYLE_CODES[style]}m${text}\x1b[0m`;
}
