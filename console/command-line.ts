/**
 * From words to a command and its options, or to the help that was asked for. Nothing is run or
 * printed here.
 */
import yargs, { type Argv } from 'yargs';
import { MirrorflowError, describeError } from '../protocol/base/errors.js';
import type { Command, Globals, Word } from './command.js';
import { EXIT_CODES_HELP } from './exit-codes.js';
import { closest } from './suggest.js';
import { packageVersion } from '../protocol/base/installation.js';

export type Parsed =
  | { readonly kind: 'command'; readonly command: Command; readonly given: object; readonly globals: Globals }
  | { readonly kind: 'help'; readonly text: string; readonly asError: boolean };

export const GLOBAL_OPTIONS = {
  directory: {
    type: 'string',
    describe: 'runtime directory of the servers (MIRRORFLOW_DIR); default: the usual places',
  },
  json: { type: 'boolean', describe: 'data and errors as JSON, one value per line' },
  'no-colour': { type: 'boolean', describe: 'no colours (NO_COLOR does the same)' },
} as const satisfies Readonly<Record<string, Word>>;

const HELP_COLUMNS_MAX = 100;
const UNKNOWN = /^Unknown (?:arguments?|commands?): (.*)$/;
const TOO_FEW = /^Not enough non-option arguments/;

/** Throws BAD_OPTION for whatever is not declared, with the closest word that is. */
export async function parseCommandLine(
  words: readonly string[],
  commands: readonly Command[],
  columns = HELP_COLUMNS_MAX,
): Promise<Parsed> {
  const asked = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const mentioned = commands.find((command) => command.name === firstWord(asked));
  checkOptions(asked, mentioned);
  let found: { readonly command: Command; readonly given: object } | undefined;
  let printed = '';
  const parser = commandLine(Math.min(columns, HELP_COLUMNS_MAX));
  for (const command of commands) {
    // The options of the others are of no use, and building them takes time.
    declare(parser, command, command === mentioned, (given) => {
      found = { command, given };
    });
  }
  parser.fail((message: string | null, error: Error | undefined) => {
    throw badUsage(message ?? describeError(error), commands, mentioned, error);
  });
  const given = await parser.parseAsync(joinedNegatives(asked), {}, (_error, _given, text) => {
    printed = text;
  });
  if (found === undefined && printed !== '') return { kind: 'help', text: printed, asError: false };
  if (found === undefined) {
    return { kind: 'help', text: await parser.getHelp(), asError: true };
  }
  return {
    kind: 'command',
    ...found,
    globals: {
      directory: given.directory,
      json: given.json === true,
      noColour: given['no-colour'] === true,
    },
  };
}

function commandLine(columns: number) {
  return yargs()
    .scriptName('mirrorflow')
    .usage('$0 COMMAND\n\nWatches the spectra of a SpecTcl, and other flows, of this host.')
    .version('version', 'prints the version', packageVersion())
    .help('help', 'tells how it is used')
    .options(GLOBAL_OPTIONS)
    .group([...Object.keys(GLOBAL_OPTIONS), 'help', 'version'], 'Everywhere:')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'duplicate-arguments-array': false,
      'parse-positional-numbers': false,
    })
    .strict()
    .exitProcess(false)
    .wrap(columns)
    .updateStrings({ 'Positionals:': 'Arguments:' })
    .epilogue(EXIT_CODES_HELP);
}

function declare(parser: Argv, command: Command, whole: boolean, run: (given: object) => void): void {
  const { name, summary, positionals, options, examples, epilogue } = command;
  const shape = Object.entries(positionals).map(([key, { demandOption }]) =>
    demandOption === true ? `<${key}>` : `[${key}]`,
  );
  parser.command(
    [name, ...shape].join(' '),
    summary,
    (builder) => {
      if (!whole) return builder;
      builder.usage(`$0 ${[name, ...shape].join(' ')}\n\n${summary}`);
      for (const [key, word] of Object.entries(positionals)) builder.positional(key, word);
      for (const [key, word] of Object.entries(options)) {
        builder.option(key, { ...word, requiresArg: word.type === 'string' });
      }
      // Of the groups those of the command stand first, and the one for everywhere last.
      if (Object.keys(options).length > 0) builder.group(Object.keys(options), 'Options:');
      for (const [words, meaning] of examples) builder.example(`$0 ${words}`, meaning);
      if (epilogue !== undefined) builder.epilogue(epilogue);
      return builder;
    },
    (given) => run(given),
  );
}

/**
 * The command's name: the first word that is neither an option nor the value of one that may stand
 * before the command.
 */
function firstWord(words: readonly string[]): string | undefined {
  return words.find((word, index) => {
    const [, option = ''] = /^--(.+)/.exec(words[index - 1] ?? '') ?? [];
    const isValue = Object.entries(GLOBAL_OPTIONS).some(
      ([key, { type }]) => key === option && type === 'string',
    );
    return !word.startsWith('-') && !isValue;
  });
}

/**
 * `--range -5:5` as `--range=-5:5`: a value that begins with a minus would be taken for options.
 */
function joinedNegatives(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if (/^-[\d.]/.test(word) && before?.startsWith('--') === true && !/^--$|=/.test(before)) {
      joined[joined.length - 1] = `${before}=${word}`;
    } else joined.push(word);
  }
  return joined;
}

function badUsage(
  message: string,
  commands: readonly Command[],
  mentioned: Command | undefined,
  cause: Error | undefined,
): MirrorflowError {
  const [word = ''] = (UNKNOWN.exec(message)?.[1] ?? '').split(', ');
  if (TOO_FEW.test(message) && mentioned !== undefined) {
    const needed = Object.entries(mentioned.positionals).filter(
      ([, { demandOption }]) => demandOption === true,
    );
    const names = needed.map(([key, { describe }]) => `${key.toUpperCase()} (${describe})`).join(' and ');
    return new MirrorflowError('BAD_OPTION', `${mentioned.name} needs a ${names}`, helpHint(mentioned));
  }
  if (word === '') return new MirrorflowError('BAD_OPTION', plain(message), helpHint(mentioned), cause);
  if (mentioned !== undefined) {
    return new MirrorflowError(
      'BAD_OPTION',
      `${mentioned.name} takes no further word ${JSON.stringify(word)}`,
      helpHint(mentioned),
    );
  }
  const meant = closest(
    word,
    commands.map(({ name }) => name),
  );
  const facts = meant === undefined ? helpHint(undefined) : { hint: `did you mean \`mirrorflow ${meant}\`?` };
  return new MirrorflowError('BAD_OPTION', `there is no command ${JSON.stringify(word)}`, facts);
}

/**
 * Before yargs sees them: an unknown option would take the next word for its value, and the error
 * would be about that one.
 */
function checkOptions(words: readonly string[], mentioned: Command | undefined): void {
  const known = [...Object.keys(mentioned?.options ?? {}), ...Object.keys(GLOBAL_OPTIONS), 'help', 'version'];
  for (const word of words) {
    if (word === '--') return;
    const [, name = ''] = /^--([^=]+)/.exec(word) ?? [];
    if (name === '' || known.includes(name)) continue;
    const meant = closest(name, known);
    throw new MirrorflowError(
      'BAD_OPTION',
      `${mentioned === undefined ? 'mirrorflow' : mentioned.name} has no option --${name}`,
      meant === undefined ? helpHint(mentioned) : { hint: `did you mean --${meant}?` },
    );
  }
}

function helpHint(mentioned: Command | undefined): { hint: string } {
  return {
    hint: `mirrorflow ${mentioned === undefined ? '' : `${mentioned.name} `}--help tells what there is`,
  };
}

/** yargs lists the facts of a refused choice on lines of their own. */
function plain(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
