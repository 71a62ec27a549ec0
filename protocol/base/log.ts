/**
 * Structured logs: one line of JSON per event, or coloured text on a terminal. Every program and
 * the client library log with it. Writes to standard error only: standard output is for the results
 * of a program. The role of a logger names the kind of process and the instance, for example
 * `duplicator:e23001/spectra`.
 */
import { describeError } from './errors.js';
import { writeToStandardError } from './log-sink.js';
import { printableText } from './printable.js';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, unknown>>;

/** Writes one complete line, newline included. Tests pass their own. */
export type LogSink = (line: string) => void;

export interface LoggerOptions {
  /** Lowest level written. Default: MIRRORFLOW_LOG_LEVEL, or `info`. */
  readonly level?: LogLevel;
  /** `json` or `text`. Default: MIRRORFLOW_LOG_FORMAT, or text on a terminal and JSON elsewhere. */
  readonly format?: 'json' | 'text';
  /** Default: standard error. */
  readonly sink?: LogSink;
  /** Default: the system's clock. */
  readonly now?: () => Date;
}

/** Characters of a message, or of one value, that are written: both may come from outside. */
const VALUE_CHARACTERS_MAX = 1_000;
/** Values of one line. */
const VALUES_MAX = 32;

const COLOUR: Record<LogLevel, string> = {
  debug: '\x1b[90m',
  info: '\x1b[36m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};

export class Logger {
  readonly #role: string;
  readonly #levelIndex: number;
  readonly #format: 'json' | 'text';
  readonly #sink: LogSink;
  readonly #now: () => Date;
  readonly #options: LoggerOptions;

  constructor(role: string, options: LoggerOptions = {}) {
    this.#role = role;
    this.#options = options;
    const level = options.level ?? process.env['MIRRORFLOW_LOG_LEVEL'] ?? 'info';
    const index = LOG_LEVELS.findIndex((name) => name === level);
    // An unknown level must not silence a program.
    this.#levelIndex = index < 0 ? LOG_LEVELS.indexOf('info') : index;
    const format = options.format ?? process.env['MIRRORFLOW_LOG_FORMAT'];
    this.#format = format === 'json' || format === 'text' ? format : process.stderr.isTTY ? 'text' : 'json';
    this.#sink = options.sink ?? writeToStandardError;
    this.#now = options.now ?? (() => new Date());
  }

  /** A logger with the same options and another role. */
  child(role: string): Logger {
    return new Logger(role, this.#options);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(level) < this.#levelIndex) return;
    const printable = Object.fromEntries(
      Object.entries(fields)
        .slice(0, VALUES_MAX)
        .map(([key, value]) => [key, shortened(value instanceof Error ? describeError(value) : value)]),
    );
    const text = cut(message);
    const time = this.#now().toISOString();
    if (this.#format === 'json') {
      this.#sink(`${JSON.stringify({ time, level, role: this.#role, message: text, ...printable })}\n`);
      return;
    }
    const fieldsText = Object.entries(printable)
      .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .map(printableText)
      .join('');
    const what = `${printableText(this.#role)}  ${printableText(text)}`;
    this.#sink(
      `${time.slice(11, 23)} ${COLOUR[level]}${level.padEnd(5)}\x1b[0m ${what}\x1b[90m${fieldsText}\x1b[0m\n`,
    );
  }
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value !== 'object' || value === null) return value;
  const json = JSON.stringify(value);
  return json === undefined || json.length <= VALUE_CHARACTERS_MAX ? value : cut(json);
}

function cut(text: string): string {
  const left = text.length - VALUE_CHARACTERS_MAX;
  return left <= 0 ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}… (${left} more characters)`;
}
