/**
 * Writes the manual pages: `mirrorflow(1)` with the topics, and one page for each command.
 *
 * `files.ts` puts them into packages. Pure: returns texts, made from the declared commands.
 */
import type { Command, Options, Positionals } from '../command.js';
import { GLOBAL_OPTIONS } from '../command-line.js';
import { bold, entry, italic, literal, roff, section } from './roff.js';
import { TOPICS, type Topic } from './topics.js';

/** Texts by the names of their files: `mirrorflow-show.1`. */
export function manPages(commands: readonly Command[], version: string): ReadonlyMap<string, string> {
  return new Map([
    ['mirrorflow.1', mainPage(commands, version)],
    ...commands.map((command) => [`mirrorflow-${command.name}.1`, commandPage(command, version)] as const),
  ]);
}

function mainPage(commands: readonly Command[], version: string): string {
  return page('mirrorflow', version, [
    ...section('Name', [roff('mirrorflow - watch the spectra of a SpecTcl, and other flows, of this host')]),
    ...section('Synopsis', [`${bold('mirrorflow')} ${italic('COMMAND')} [${italic('WORDS')}]`]),
    ...section('Description', [
      roff('Mirrors the spectra of a SpecTcl, and any other flow of fixed-size buffers,'),
      roff('once per host for any number of programs.'),
      `Each command has a page of its own, such as ${bold('mirrorflow-show')}(1).`,
    ]),
    ...section(
      'Commands',
      commands.flatMap(({ name, summary }) => entry(bold(name), roff(summary))),
    ),
    ...section('Options', globalOptions()),
    ...TOPICS.flatMap(topicSection),
    ...section('See also', [commands.map(({ name }) => `${bold(`mirrorflow-${name}`)}(1)`).join(',\n')]),
  ]);
}

function topicSection({ name, paragraphs, rows }: Topic): readonly string[] {
  return section(name.replaceAll('-', ' '), [
    ...paragraphs.flatMap((paragraph) => ['.PP', roff(paragraph)]),
    ...rows.flatMap(([term, meaning]) => entry(bold(term), roff(meaning))),
  ]);
}

function commandPage(command: Command, version: string): string {
  const { name, summary, positionals, options, examples, epilogue } = command;
  const title = `mirrorflow-${name}`;
  return page(title, version, [
    ...section('Name', [roff(`${title} - ${summary}`)]),
    ...section('Synopsis', [synopsis(command)]),
    ...(epilogue === undefined ? [] : section('Description', [roff(epilogue)])),
    ...section(
      'Arguments',
      words(positionals, (key) => italic(key.toUpperCase())),
    ),
    ...section('Options', [...words(options, optionTerm(options)), ...globalOptions()]),
    ...section(
      'Examples',
      examples.flatMap(([line, meaning]) => example(line, meaning)),
    ),
    ...section('Exit status', [`See ${bold('mirrorflow')}(1).`]),
    ...section('See also', [`${bold('mirrorflow')}(1)`]),
  ]);
}

function example(line: string, meaning: string): readonly string[] {
  return ['.PP', roff(`${meaning}:`), ...literal([`mirrorflow ${line}`])];
}

function synopsis({ name, positionals, options }: Command): string {
  const given = Object.entries(positionals).map(([key, { demandOption, array }]) => {
    const word = italic(key.toUpperCase()) + (array === true ? '...' : '');
    return demandOption === true ? word : `[${word}]`;
  });
  const choice = Object.keys(options).length > 0 ? [`[${italic('OPTIONS')}]`] : [];
  return [bold(`mirrorflow ${name}`), ...given, ...choice].join(' ');
}

function globalOptions(): readonly string[] {
  return [
    ...words(GLOBAL_OPTIONS, optionTerm(GLOBAL_OPTIONS)),
    ...entry(bold('--help'), roff('show the help')),
  ];
}

function optionTerm(options: Options): (key: string) => string {
  return (key) => {
    const word = options[key];
    const stated = word?.optionalValue === true ? `[=${italic('VALUE')}]` : `=${italic('VALUE')}`;
    const value = word?.type === 'string' ? stated : '';
    const letter = word?.alias === undefined ? '' : `${bold(`-${word.alias}`)}, `;
    return `${letter}${bold(`--${key}`)}${value}`;
  };
}

function words(declared: Positionals | Options, term: (key: string) => string): readonly string[] {
  return Object.entries(declared).flatMap(([key, word]) => {
    const facts = [
      ...(word.choices === undefined ? [] : [`one of ${word.choices.join(', ')}`]),
      ...(word.default === undefined ? [] : [`default ${String(word.default)}`]),
    ];
    return entry(term(key), roff([word.describe, ...facts].join('; ')));
  });
}

function page(title: string, version: string, lines: readonly string[]): string {
  const heading = `.TH ${roff(title.toUpperCase())} 1 "" "mirrorflow ${roff(version)}" "mirrorflow"`;
  return [String.raw`.\" Made from the commands of mirrorflow.`, heading, ...lines, ''].join('\n');
}
