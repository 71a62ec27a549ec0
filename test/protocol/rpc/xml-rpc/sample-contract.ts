/**
 * A small contract with one method of each kind, and its handlers, for the tests of dispatcher,
 * sessions, HTTP server and clients.
 */
import { MirrorflowError } from '../../../../protocol/base/errors.js';
import { Logger } from '../../../../protocol/base/log.js';
import type { Right } from '../../../../protocol/base/rights.js';
import {
  defineContract,
  method,
  optionalParam,
  param,
  type Handlers,
} from '../../../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../../../protocol/rpc/xml-rpc/dispatcher.js';
import {
  any,
  arrayOf,
  boolean,
  bytes,
  double,
  int,
  mapOf,
  name,
  oneOf,
  optional,
  string,
  struct,
} from '../../../../protocol/rpc/xml-rpc/schema.js';

export const sample = defineContract({
  'sample.echo': method({
    right: 'read',
    doc: 'Returns its parameter.',
    params: [param('value', any(), 'any value')],
    returns: any(),
  }),
  'sample.add': method({
    right: 'provide',
    raised: { when: 'a is 99', right: 'control', applies: ([a]) => a === 99 },
    doc: 'Adds two or three integers.',
    params: [
      param('a', int({ min: 0 }), 'the first'),
      param('b', int({ min: 0 }), 'the second'),
      optionalParam('c', int(), 'the third'),
    ],
    returns: int(),
  }),
  'sample.describe': method({
    right: 'read',
    doc: 'Describes a flow.',
    params: [
      param('application', name('application'), 'the application of the flow'),
      param(
        'flow',
        struct({
          name: name('flow'),
          role: oneOf(['provider', 'consumer']),
          rates: arrayOf(double(), { maxCount: 3 }),
          note: optional(string({ maxCharacters: 10 })),
        }),
        'the flow',
      ),
    ],
    returns: struct({ text: string(), noted: optional(boolean()), facts: mapOf(string()) }),
  }),
  'sample.reverse': method({
    right: 'read',
    doc: 'Reverses bytes.',
    params: [param('data', bytes({ maxBytes: 1 << 20 }), 'the bytes')],
    returns: bytes(),
  }),
  'sample.fail': method({
    right: 'read',
    doc: 'Fails in the given way.',
    params: [param('how', oneOf(['ours', 'throw', 'reject', 'undefined', 'nothing']), 'the way')],
    returns: string(),
  }),
  'sample.wait': method({
    right: 'read',
    doc: 'Answers when the test resolves it.',
    params: [],
    returns: string(),
  }),
  'sample.elsewhere': method({
    right: 'read',
    doc: 'Served by another server.',
    params: [],
    returns: string(),
  }),
});

export interface SampleContext {
  readonly caller: string;
}

type SampleHandlers = Handlers<typeof sample, SampleContext>;

/** The handlers with their log and the calls that wait for the test. */
export class Sample {
  readonly lines: string[] = [];
  readonly log = new Logger('test', {
    level: 'debug',
    format: 'json',
    sink: (line) => void this.lines.push(line),
  });
  /** Resolves the calls of sample.wait, in the order of their arrival. */
  readonly waiting: ((answer: string) => void)[] = [];
  #onArrival: (() => void)[] = [];
  /** The right of every caller. */
  right: Right = 'control';

  readonly handlers: Partial<SampleHandlers> = {
    'sample.echo': ([value]) => value,
    'sample.add': ([a, b, c = 0]) => a + b + c,
    'sample.describe': ([application, flow], { caller }) => ({
      text: `${application}/${flow.name} ${flow.role} ${flow.rates.length} for ${caller}`,
      ...(flow.note === undefined ? {} : { noted: true }),
      facts: { caller },
    }),
    'sample.reverse': async ([data]) => Uint8Array.from(data).reverse(),
    'sample.fail': ([how]) => {
      if (how === 'ours')
        throw new MirrorflowError('UNKNOWN_FLOW', 'there is no flow x', { flow: 'x', count: 3 });
      if (how === 'throw') throw new TypeError('a mistake');
      if (how === 'reject') return Promise.reject(new Error('a rejected mistake'));
      // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- some do
      if (how === 'nothing') throw undefined;
      return undefined as unknown as string;
    },
    'sample.wait': () =>
      new Promise((resolve) => {
        this.waiting.push(resolve);
        for (const notify of this.#onArrival.splice(0)) notify();
      }),
  };

  readonly dispatcher = new Dispatcher<typeof sample, SampleContext>(sample, this.handlers, {
    log: this.log,
    granted: () => this.right,
  });

  /** Resolves when `count` calls of sample.wait have arrived. */
  async waitingCalls(count: number): Promise<void> {
    while (this.waiting.length < count) {
      await new Promise<void>((resolve) => {
        this.#onArrival.push(resolve);
      });
    }
  }

  logged(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}
