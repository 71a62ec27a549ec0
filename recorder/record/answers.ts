/**
 * Records what a SpecTcl answers about its spectra, gates and run: at the beginning of each file
 * and whenever an answer has changed. Started by `record`. Sends GET requests to SpecTcl's REST
 * service, fewer than one plain viewer does.
 */
import { Agent } from 'node:http';
import { parseAddress } from '../../protocol/base/address.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { exchange } from '../../protocol/spectcl/rest-exchange.js';
import { jsonSchema } from '../flow-channel.js';
import { pauseUnlessAborted } from './pause.js';
import type { Series } from './series.js';

export interface AnswerRecorderOptions {
  /** Address of the SpecTcl. */
  readonly source: string;
  readonly application: string;
  readonly series: Series;
  readonly clock: Clock;
  readonly note: (text: string) => void;
}

/** Topics of the answers begin with it. */
export const ANSWER_TOPIC = 'spectcl/';

/** Changes of lists are found within this time; those of definitions at once. */
const LISTS_INTERVAL_MS = 30_000;
/** Changes of the run are found within this time. */
const VARIABLES_INTERVAL_MS = 10_000;
const TIMEOUT_MS = 10_000;
const VARIABLES = 'shmem/variables';
/**
 * Statistics are those of the beginning and of each change of definitions: the display memory has
 * them too, in each publication.
 */
const WITH_DEFINITIONS = ['version', 'shmem/key', 'shmem/size', 'specstats'];
const LISTS = ['spectrum/list', 'sbind/list', 'gate/list', 'apply/list'];

interface Answer {
  readonly body: Buffer;
  readonly atNs: number;
}

export class AnswerRecorder {
  readonly #options: AnswerRecorderOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #answers = new Map<string, Answer>();
  readonly #channels = new Map<string, number>();
  /** Number of the file that has all answers. */
  #number = 0;
  #port: number | undefined;
  #run = '';
  #noted = false;
  #wake: (() => void) | undefined;
  #isDefinitionsDue = true;
  /** Whether every request of the last time had an answer. */
  #isComplete = true;

  constructor(options: AnswerRecorderOptions) {
    this.#options = options;
  }

  /** Asks for everything at once: spectra were defined, removed or moved, or a file has begun. */
  definitionsChanged(): void {
    this.#isDefinitionsDue = true;
    this.#wake?.();
  }

  /** Records until the signal is aborted. Throws only failures of the recording. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let listsDueMs = clock.nowMs();
    try {
      while (!signal.aborted) {
        const isAll = this.#isDefinitionsDue;
        this.#isDefinitionsDue = false;
        const isListsDue = isAll || clock.nowMs() >= listsDueMs;
        if (isListsDue) listsDueMs = clock.nowMs() + LISTS_INTERVAL_MS;
        const requests = [VARIABLES, ...(isListsDue ? LISTS : []), ...(isAll ? WITH_DEFINITIONS : [])];
        const answers = await this.#ask(requests, signal);
        if (!signal.aborted) await this.#record(answers);
        // What was not answered is asked again after the pause; a change meanwhile skips the pause.
        if (!this.#isDefinitionsDue) await this.#pause(signal);
        if (!this.#isComplete) [listsDueMs, this.#isDefinitionsDue] = [0, this.#isDefinitionsDue || isAll];
      }
    } finally {
      this.#agent.destroy();
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const early = new AbortController();
    const end = (): void => early.abort();
    this.#wake = end;
    signal.addEventListener('abort', end, { once: true });
    await pauseUnlessAborted(VARIABLES_INTERVAL_MS, early.signal);
    signal.removeEventListener('abort', end);
    this.#wake = undefined;
  }

  async #ask(requests: readonly string[], signal: AbortSignal): Promise<Map<string, Buffer>> {
    const { source, clock, note } = this.#options;
    const answers = new Map<string, Buffer>();
    this.#isComplete = false;
    try {
      const { host, rest, user } = parseAddress(source, { schemes: ['spectcl'] });
      this.#port ??= typeof rest === 'number' ? rest : await lookUpService(host, rest, user, { signal });
      for (const request of requests) {
        const { httpStatus, body } = await exchange({
          host,
          port: this.#port,
          path: `/spectcl/${request}`,
          agent: this.#agent,
          timeoutMs: TIMEOUT_MS,
          clock,
          signals: [signal],
          repeatable: true,
        });
        // A request that this SpecTcl does not know has no answer to record.
        if (httpStatus === 200) answers.set(request, Buffer.from(body));
      }
      this.#isComplete = true;
    } catch (error) {
      this.#port = undefined;
      if (!this.#noted && !signal.aborted) note(`SpecTcl's lists are not recorded: ${describeError(error)}`);
      this.#noted = true;
    }
    return answers;
  }

  async #record(answers: ReadonlyMap<string, Buffer>): Promise<void> {
    const { series } = this.#options;
    const nowNs = Number(wallClockNs());
    const changed = new Set<string>();
    for (const [request, body] of answers) {
      if (this.#answers.get(request)?.body.equals(body) === true) continue;
      this.#answers.set(request, { body, atNs: nowNs });
      changed.add(request);
    }
    if (this.#number !== series.number) {
      this.#number = series.number;
      this.#channels.clear();
      for (const request of this.#answers.keys()) changed.add(request);
      this.#run = '';
    }
    for (const request of changed) await this.#append(request, nowNs);
    this.#recordRun(nowNs);
  }

  async #append(request: string, nowNs: number): Promise<void> {
    const { series } = this.#options;
    const answer = this.#answers.get(request);
    while (answer !== undefined && series.number === this.#number) {
      const { file } = series;
      if (file.append(this.#channel(request), 0, nowNs, answer.body)) return;
      await file.ready();
    }
  }

  #channel(request: string): number {
    const { application, series } = this.#options;
    let channel = this.#channels.get(request);
    if (channel === undefined) {
      const { file } = series;
      const schemaId = file.addSchema(jsonSchema(`${ANSWER_TOPIC}${request}`, { type: 'object' }));
      const metadata = new Map([
        ['kind', 'answer'],
        ['application', application],
        ['request', request],
      ]);
      channel = file.addChannel({
        topic: ANSWER_TOPIC + request,
        messageEncoding: 'json',
        schemaId,
        metadata,
      });
      this.#channels.set(request, channel);
    }
    return channel;
  }

  /** Number, title and state of the run as metadata, whenever one has changed. */
  #recordRun(nowNs: number): void {
    const body = this.#answers.get(VARIABLES)?.body;
    const run = body === undefined ? undefined : runOf(body);
    if (run === undefined || JSON.stringify(run) === this.#run) return;
    this.#run = JSON.stringify(run);
    this.#options.series.file.addMetadata('run', new Map([['atNs', String(nowNs)], ...Object.entries(run)]));
  }
}

/** Undefined when the answer names no run. */
function runOf(body: Buffer): { number: string; state: string; title: string } | undefined {
  try {
    const { detail } = JSON.parse(body.toString('utf8')) as { detail?: Record<string, unknown> };
    const text = (name: string): string => {
      const value = detail?.[name];
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    };
    const run = { number: text('RunNumber'), state: text('RunState'), title: text('RunTitle') };
    return run.number === '' && run.state === '' ? undefined : run;
  } catch {
    return undefined;
  }
}
