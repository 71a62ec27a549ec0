/**
 * Collects what is wrong with the options and the configuration file, so that one error reports all
 * of it. Filled by `options.ts` and `child-options.ts`. Pure.
 */
import { isMirrorflowError, MirrorflowError, type ErrorFacts } from '../../protocol/base/errors.js';

export class OptionProblems {
  readonly #file: string | undefined;
  readonly #problems: { readonly text: string; readonly error: MirrorflowError | undefined }[] = [];

  #note = '';

  /** `file`: the configuration file, named by the error. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** A value of the configuration file; `key` is empty for the file as a whole. */
  refuseValue(key: string, message: string): void {
    this.#problems.push({ text: key === '' ? message : `${key} ${message}`, error: undefined });
  }

  /** A value that is correct as it stands and cannot be used. */
  refuse(key: string, error: MirrorflowError): void {
    this.#problems.push({ text: `${key}: ${error.message}`, error });
  }

  /** The value of `read`; `otherwise` when it throws, with its error as a problem at `key`. */
  attempt<T>(key: string, read: () => T, otherwise: T): T {
    try {
      return read();
    } catch (thrown) {
      if (!isMirrorflowError(thrown)) throw thrown;
      this.refuse(key, thrown);
      return otherwise;
    }
  }

  /** Whether the facts of an error meet the condition. */
  some(condition: (facts: ErrorFacts) => boolean): boolean {
    return this.#problems.some(({ error }) => error !== undefined && condition(error.facts));
  }

  /** A sentence that follows the problems. */
  setNote(note: string): void {
    this.#note = note;
  }

  /** Throws a single problem without a file as it is, else BAD_CONFIGURATION with all of them. */
  throwAny(): void {
    const [first, ...more] = this.#problems;
    if (first === undefined) return;
    if (this.#file === undefined && more.length === 0 && first.error !== undefined) throw first.error;
    const lines = this.#problems.map(({ text }) => text);
    if (this.#note !== '') lines.push(this.#note);
    const place = this.#file ?? 'the options cannot be used';
    throw new MirrorflowError(
      'BAD_CONFIGURATION',
      lines.length === 1
        ? `${place}: ${lines[0]}`
        : `${place}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      { ...(this.#file !== undefined && { file: this.#file }), problems: this.#problems.length },
    );
  }
}
