/**
 * The text of `mirrorflow help TOPIC`, and the list of topics below the general help.
 *
 * The command line prints both. Pure.
 */
import { TOPICS, type Topic } from './topics.js';

const INDENT_COLUMNS = 2;

export const TOPICS_HELP = `Topics, with \`mirrorflow help TOPIC\`: ${TOPICS.map(({ name }) => name).join(', ')}.`;

/** Undefined when there is no such topic. `columns` is the width of the text. */
export function topicHelp(name: string, columns: number): string | undefined {
  const topic = TOPICS.find((candidate) => candidate.name === name);
  return topic === undefined ? undefined : textOf(topic, columns);
}

function textOf({ name, summary, paragraphs, rows }: Topic, columns: number): string {
  const widest = Math.max(...rows.map(([term]) => term.length)) + 2 * INDENT_COLUMNS;
  // A wide term stands on a line of its own.
  const isBeside = widest <= columns / 2;
  const meaningAt = isBeside ? widest : 2 * INDENT_COLUMNS;
  const rowLines = rows.flatMap(([term, meaning]) => {
    const [first = '', ...others] = wrapped(meaning, columns - meaningAt);
    const start = ' '.repeat(INDENT_COLUMNS) + term;
    const beginning = isBeside ? [start.padEnd(meaningAt) + first] : [start, ' '.repeat(meaningAt) + first];
    return [...beginning, ...others.map((line) => ' '.repeat(meaningAt) + line)];
  });
  const text = paragraphs.flatMap((paragraph) => [...wrapped(paragraph, columns), '']);
  return [`${name}: ${summary}`, '', ...text, ...rowLines].join('\n');
}

function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
