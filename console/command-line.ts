/**
 * Parses the words of a command line into a command with its options, or into a help text.
 *
 * `run-words.ts` calls it for the shell's command line and for each line of the prompt. It reads
 * the version from the installation and touches nothing else: it neither runs nor prints anything.
 */
import yargs, { type Argv } from 'yargs';
import { MirrorflowError, describeError } from '../protocol/base/errors.js';
import type { Command, Globals, Word } from './command.js';
import { EXIT_CODES_HELP } from './exit-codes.js';
import { closest } from './suggest.js';
import { packageVersion } from '../protocol/base/installation.js';
import { TOPICS_HELP, topicHelp } from './reference/topic-help.js';

export type Parsed =
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly values: object;
      readonly globals: Globals;
    }
  | { readonly kind: 'help'; readonly text: string; readonly asError: boolean };

export const GLOBAL_OPTIONS = {
  directory: {
    type: 'string',
    describe: 'runtime directory of the servers (MIRRORFLOW_DIR); default: the usual directories',
  },
  json: { type: 'boolean', describe: 'print data and errors as JSON, one value per line' },
  'no-colour': { type: 'boolean', describe: 'print without colours (NO_COLOR does the same)' },
} as const satisfies Readonly<Record<string, Word>>;

const HELP_COLUMNS_MAX = 100;
const UNKNOWN = /^Unknown (?:arguments?|commands?): (.*)$/;
const TOO_FEW = /^Not enough non-option arguments/;

/**
 * `columns` is the width of the help text. Throws BAD_OPTION for a word or option that is not
 * declared, with the closest one that is.
 */
export async function parseCommandLine(
  words: readonly string[],
  commands: readonly Command[],
  columns = HELP_COLUMNS_MAX,
): Promise<Parsed> {
  const topic = words[0] === 'help' && words.length === 2 ? topicHelp(words[1] ?? '', columns) : undefined;
  if (topic !== undefined) return { kind: 'help', text: topic, asError: false };
  const withOptions = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const mentioned = commands.find((command) => command.name === firstWord(withOptions));
  checkOptions(withOptions, mentioned);
  let parsed: { readonly command: Command; readonly values: object } | undefined;
  let helpText = '';
  const takesSeveral = Object.values(mentioned?.positionals ?? {}).some(({ array }) => array === true);
  const parser = commandLine(Math.min(columns, HELP_COLUMNS_MAX), takesSeveral);
  for (const command of commands) {
    // Only the mentioned command gets its options: declaring all of them takes time.
    declare(parser, command, command === mentioned, (values) => {
      parsed = { command, values: takesSeveral ? withLastValues(values, command) : values };
    });
  }
  parser.fail((message: string | null, error: Error | undefined) => {
    throw badUsage(message ?? describeError(error), commands, mentioned, error);
  });
  const values = await parser.parseAsync(joinedNegatives(withOptions), {}, (_error, _given, text) => {
    helpText = text;
  });
  if (parsed === undefined && helpText !== '') return { kind: 'help', text: helpText, asError: false };
  if (parsed === undefined) {
    return { kind: 'help', text: await parser.getHelp(), asError: true };
  }
  return {
    kind: 'command',
    ...parsed,
    globals: {
      directory: values.directory,
      json: values.json === true,
      noColour: values['no-colour'] === true,
    },
  };
}

/** Takes the last value of an option that is given several times, as for all other commands. */
function withLastValues(values: object, { positionals }: Command): object {
  const entries = Object.entries(values).map(([name, value]: [string, unknown]) => {
    const isList = name === '_' || positionals[name]?.array === true;
    return [name, !isList && Array.isArray(value) ? (value.at(-1) as unknown) : value] as const;
  });
  return Object.fromEntries(entries);
}

/** `takesSeveral`: whether a positional of the command takes several words. */
function commandLine(columns: number, takesSeveral: boolean) {
  return yargs()
    .scriptName('mirrorflow')
    .usage('$0 COMMAND\n\nWatch the spectra of a SpecTcl, and other flows, of this host.')
    .version('version', 'print the version', packageVersion())
    .help('help', 'show this help')
    .options(GLOBAL_OPTIONS)
    .group([...Object.keys(GLOBAL_OPTIONS), 'help', 'version'], 'Everywhere:')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'duplicate-arguments-array': takesSeveral,
      'parse-positional-numbers': false,
    })
    .strict()
    .exitProcess(false)
    .wrap(columns)
    .updateStrings({ 'Positionals:': 'Arguments:' })
    .epilogue(`${EXIT_CODES_HELP}\n\n${TOPICS_HELP}`);
}

function declare(parser: Argv, command: Command, withWords: boolean, run: (values: object) => void): void {
  const { name, summary, positionals, options, examples, epilogue } = command;
  const shape = Object.entries(positionals).map(([key, { demandOption, array }]) => {
    const word = array === true ? `${key}..` : key;
    return demandOption === true ? `<${word}>` : `[${word}]`;
  });
  parser.command(
    [name, ...shape].join(' '),
    summary,
    (builder) => {
      if (!withWords) return builder;
      builder.usage(`$0 ${[name, ...shape].join(' ')}\n\n${summary}`);
      for (const [key, word] of Object.entries(positionals)) builder.positional(key, word);
      for (const [key, word] of Object.entries(options)) {
        const { optionalValue = false, ...shown } = word;
        builder.option(key, { ...shown, requiresArg: word.type === 'string' && !optionalValue });
      }
      // A group of its own lists the command's options before the global ones.
      if (Object.keys(options).length > 0) builder.group(Object.keys(options), 'Options:');
      for (const [words, meaning] of examples) builder.example(`$0 ${words}`, meaning);
      if (epilogue !== undefined) builder.epilogue(epilogue);
      return builder;
    },
    (values) => run(values),
  );
}

/**
 * The command's name: the first word that is neither an option nor the value of a global option,
 * which may precede the command.
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

/** Joins `--range -5:5` to `--range=-5:5`: yargs parses a value that begins with `-` as options. */
function joinedNegatives(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const option = joined.at(-1);
    if (/^-[\d.]/.test(word) && option?.startsWith('--') === true && !/^--$|=/.test(option)) {
      joined[joined.length - 1] = `${option}=${word}`;
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
  if (word === '') return new MirrorflowError('BAD_OPTION', onOneLine(message), helpHint(mentioned), cause);
  if (mentioned !== undefined) {
    return new MirrorflowError(
      'BAD_OPTION',
      `${mentioned.name} takes no further word ${JSON.stringify(word)}`,
      helpHint(mentioned),
    );
  }
  const suggestion = closest(
    word,
    commands.map(({ name }) => name),
  );
  const facts =
    suggestion === undefined ? helpHint(undefined) : { hint: `did you mean \`mirrorflow ${suggestion}\`?` };
  return new MirrorflowError('BAD_OPTION', `there is no command ${JSON.stringify(word)}`, facts);
}

/**
 * Refuses unknown options before yargs parses them: yargs would take the next word for the value of
 * an unknown option and complain about a missing word instead.
 */
function checkOptions(words: readonly string[], mentioned: Command | undefined): void {
  const known = [...Object.keys(mentioned?.options ?? {}), ...Object.keys(GLOBAL_OPTIONS), 'help', 'version'];
  for (const word of words) {
    if (word === '--') return;
    const [, name = ''] = /^--([^=]+)/.exec(word) ?? [];
    if (name === '' || known.includes(name)) continue;
    const renamed = mentioned?.renamedOptions?.[name];
    if (mentioned !== undefined && renamed !== undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `${mentioned.name} has no option --${name}: its name is --${renamed}`,
        helpHint(mentioned),
      );
    }
    const suggestion = closest(name, known);
    throw new MirrorflowError(
      'BAD_OPTION',
      `${mentioned === undefined ? 'mirrorflow' : mentioned.name} has no option --${name}`,
      suggestion === undefined ? helpHint(mentioned) : { hint: `did you mean --${suggestion}?` },
    );
  }
}

function helpHint(mentioned: Command | undefined): { hint: string } {
  return {
    hint:
      mentioned === undefined
        ? 'mirrorflow --help lists the commands'
        : `mirrorflow ${mentioned.name} --help lists the options`,
  };
}

/** The message on one line: yargs puts a refused value and its choices on lines of their own. */
function onOneLine(message: string): string {
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}
