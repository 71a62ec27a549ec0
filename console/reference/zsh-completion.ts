/**
 * Writes the completion of `mirrorflow` for zsh, from the declared commands.
 *
 * `mirrorflow completion zsh` prints it and the Debian package contains it. Pure: returns the
 * script. Names of applications, flows and spectra come from `mirrorflow completion KIND`, which
 * the script runs when the tab key is pressed.
 */
import type { Candidates, ShellCommand, ShellOption } from './shell-words.js';
import { GLOBAL_SHELL_OPTIONS } from './shell-words.js';

const NAMES = String.raw`# Names from the running servers; $1: their kind.
_mirrorflow_names() {
  local -a names application
  local given=$words[(I)--app]
  ((given > 0)) && application=(--app $words[given+1])
  names=("\${(@f)$(mirrorflow completion $1 $application 2>/dev/null </dev/null)}")
  compadd -a names
}
`.replaceAll('\\${', '${');

export function zshCompletion(commands: readonly ShellCommand[]): string {
  const describe = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const global = GLOBAL_SHELL_OPTIONS.flatMap(optionSpecs);
  return [
    '#compdef mirrorflow',
    '# Completion of mirrorflow for zsh, made from its commands.',
    '',
    NAMES,
    '_mirrorflow() {',
    '  local context state line curcontext=$curcontext',
    '  typeset -A opt_args',
    '  local -a commands=(',
    ...describe,
    '  )',
    `  _arguments -C ${global.join(' ')} '1: :->command' '*:: :->words' && return`,
    '  case $state in',
    "    command) _describe -t commands 'command' commands ;;",
    '    words)',
    '      case $words[1] in',
    ...commands.map(branch),
    '      esac ;;',
    '  esac',
    '}',
    '',
    // Autoloaded from a directory of `fpath` the file is the function; else it registers it.
    'if [[ $funcstack[1] == _mirrorflow ]]; then _mirrorflow "$@"; else compdef _mirrorflow mirrorflow; fi',
    '',
  ].join('\n');
}

function branch({ name, options, positionals }: ShellCommand): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...positionals.map(({ name: word, candidates, repeated }, index) =>
      quoted(`${repeated ? '*' : index + 1}:${escaped(word)}:${action(candidates)}`),
    ),
  ];
  return `        ${name}) _arguments ${specs.join(' ')} ;;`;
}

function optionSpecs({ names, describe, value }: ShellOption): string[] {
  return names.map((name) => {
    const equals = value !== undefined && name.startsWith('--') ? '=' : '';
    const suffix = value === undefined ? '' : `:value:${action(value)}`;
    return quoted(`${name}${equals}[${escaped(describe)}]${suffix}`);
  });
}

function action(candidates: Candidates): string {
  switch (candidates.kind) {
    case 'fixed':
      return `(${candidates.words.join(' ')})`;
    case 'names':
      return `_mirrorflow_names ${candidates.of}`;
    case 'files':
      return '_files';
    case 'none':
      return ' ';
    default:
      return candidates satisfies never;
  }
}

/** A colon or a bracket ends a part of a specification. */
function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
