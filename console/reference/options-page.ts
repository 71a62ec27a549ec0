/**
 * Writes the page of all options, `docs/options.md`, from the commands, the environment variables,
 * the keys of the configuration file and the help of the host server.
 *
 * `npm run docs` writes it and a test compares it. Pure: returns Markdown; the parts about the host
 * server are parameters, since the console does not import it.
 */
import type { JsonSchema } from '../../protocol/rpc/xml-rpc/json-schema.js';
import type { Command, Options, Word } from '../command.js';
import { GLOBAL_OPTIONS } from '../command-line.js';
import { ENVIRONMENT } from './environment.js';

const HEAD = `# Options

Generated from the code by \`npm run docs\`: every option of every command, every environment variable and every key of
the configuration file. Options win over the environment, which wins over the file.
`;

export interface HostServerParts {
  readonly configuration: JsonSchema;
  readonly help: string;
}

export function optionsPage(commands: readonly Command[], { configuration, help }: HostServerParts): string {
  return [
    HEAD,
    '## Of every command',
    optionTable(GLOBAL_OPTIONS),
    ...commands.flatMap(commandSection),
    '## Environment variables',
    table(
      ['variable', 'meaning'],
      ENVIRONMENT.map(({ name, meaning }) => [code(name), meaning]),
    ),
    '## The configuration file',
    'Given with `--config`. An editor completes and checks it with `host.schema.json` of this directory, as its key `$schema`.',
    table(['key', 'value', 'meaning'], keyRows(configuration, '')),
    '## The host server',
    `\`\`\`text\n${help.trim()}\n\`\`\``,
    '',
  ].join('\n\n');
}

function commandSection({ name, summary, positionals, options }: Command): readonly string[] {
  const words = Object.entries(positionals).map(([key, word]) => [
    code(key.toUpperCase() + (word.array === true ? '…' : '')),
    meaningOf(word),
  ]);
  return [
    `## \`${name}\``,
    `${summary}.`,
    ...(words.length === 0 ? [] : [table(['word', 'meaning'], words)]),
    ...(Object.keys(options).length === 0 ? [] : [optionTable(options)]),
  ];
}

function optionTable(options: Options): string {
  const rows = Object.entries(options).map(([key, word]) => {
    const letter = word.alias === undefined ? '' : `, ${code(`-${word.alias}`)}`;
    const value = word.optionalValue === true ? ' [VALUE]' : ' VALUE';
    return [code(`--${key}${word.type === 'string' ? value : ''}`) + letter, meaningOf(word)];
  });
  return table(['option', 'meaning'], rows);
}

function meaningOf({ describe, choices, default: usual }: Word): string {
  const facts = [
    ...(choices === undefined ? [] : [`one of ${choices.join(', ')}`]),
    ...(usual === undefined ? [] : [`default ${String(usual)}`]),
  ];
  return [describe, ...facts].join('; ');
}

/** A row for each key, and one for each member of the values below it. */
function keyRows(schema: JsonSchema, place: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const key = place === '' ? name : `${place}.${name}`;
    const meaning = value.description ?? value.items?.description ?? '';
    return [[code(key), valueText(value), meaning]].concat(nestedRows(value, key));
  });
}

function nestedRows(value: JsonSchema, key: string): string[][] {
  if (value.type === 'array') return value.items === undefined ? [] : nestedRows(value.items, `${key}[]`);
  const { additionalProperties: member } = value;
  const ofNames = typeof member === 'object' ? keyRows(member, `${key}.NAME`) : [];
  return [...keyRows(value, key), ...ofNames];
}

function valueText({ type, enum: allowed, items }: JsonSchema): string {
  if (allowed !== undefined) return allowed.map(code).join(', ');
  return type === 'array' ? `array of ${items?.type ?? 'any'}` : (type ?? 'any');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Escapes the characters that Markdown or the formatter would interpret. */
function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');
}
