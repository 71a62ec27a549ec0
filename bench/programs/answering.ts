/**
 * What the programs of a benchmark have in common: settings as JSON on the command line, questions
 * of the benchmark answered over the process's message channel, and an end together with it.
 */

/** A question by name; `id` comes back with the answer. */
export interface Question {
  readonly id: number;
  readonly what: string;
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** The settings that the benchmark started this program with. */
export function settingsOf<Settings>(): Settings {
  return JSON.parse(process.argv[2] ?? '{}') as Settings;
}

/** Says that the program is ready, then answers questions until the benchmark ends. */
export function answerQuestions(answers: Readonly<Record<string, () => unknown>>): void {
  process.on('message', (question: Question) => {
    void reply(question, answers[question.what]);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0 } satisfies Answer);
}

/** Lets the event loop turn, so that questions and signals are heard. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function reply({ id, what }: Question, answer: (() => unknown) | undefined): Promise<void> {
  try {
    if (answer === undefined) throw new Error(`this program knows no ${what}`);
    process.send?.({ id, value: await answer() } satisfies Answer);
  } catch (error) {
    process.send?.({ id, error: String(error) } satisfies Answer);
  }
}
