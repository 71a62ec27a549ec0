/** Wrong arguments of the library's calls: each is refused by name, before anything is opened. */
import { expect } from 'chai';
import { checkInputOptions, type InputFlowOptions } from '../../client-lib/input/input-options.js';
import { Inbox } from '../../client-lib/messages/inbox.js';
import { MessageRoom } from '../../client-lib/messages/message-room.js';
import { messageToWire } from '../../client-lib/messages/message-class.js';
import { checkOutputOptions, type OutputFlowOptions } from '../../client-lib/output/output-options.js';
import { untypedOutputOptions, type TypedOutputOptions } from '../../client-lib/output/typed-output-flow.js';
import { compressed } from '../../client-lib/types/compressed.js';
import { json } from '../../client-lib/types/json.js';
import { connect, type ConnectOptions } from '../../client-lib/session/connect.js';
import { connectHost } from '../../client-lib/session/host-connection.js';
import { systemClock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { Logger } from '../../protocol/base/log.js';

class Ping {
  static readonly attributes = { number: 'number' } as const;
  number = 0;
}

const input = (options: unknown) => () => checkInputOptions(options as InputFlowOptions);
const output = (options: unknown) => () => checkOutputOptions(options as OutputFlowOptions);
const typed = (options: object) => () =>
  untypedOutputOptions({ type: json(), ...options } as TypedOutputOptions<unknown, never, never>);
const waitFor = (options: unknown) => () => {
  const inbox = new Inbox({
    clock: systemClock,
    log: new Logger('test'),
    room: new MessageRoom(),
    onError: () => undefined,
  });
  return inbox.waitFor(Ping, options as object);
};

const REFUSED: readonly (readonly [name: string, call: () => unknown, message: string])[] = [
  [
    'connect()',
    () => connect(undefined as unknown as ConnectOptions),
    'the options of connect are undefined; they must be an object with app, name',
  ],
  [
    "connect('e1')",
    () => connect('e1' as unknown as ConnectOptions),
    'the options of connect are "e1"; they must be an object with app',
  ],
  [
    'connect({ application })',
    () => connect({ application: 'e1' } as unknown as ConnectOptions),
    'connect has no option application; its options are app, name, program, start, right, directory',
  ],
  [
    'connect({ right })',
    () => connect({ app: 'e1', right: 'write' } as unknown as ConnectOptions),
    'right is "write"; it must be one of read, provide, control',
  ],
  [
    'connectHost({ dir })',
    () => connectHost({ dir: '/tmp' } as object),
    'connectHost has no option dir; its options are directory',
  ],
  ['input: histroy', input({ histroy: 4 }), 'openInput has no option histroy; its options are history,'],
  ['input: null', input(null), 'the options of openInput are null'],
  ['input: an array', input([]), 'the options of openInput are a value of class Array'],
  ['input: buffers', input({ buffers: 4 }), 'openInput has no option buffers'],
  ['watermarks: null', input({ watermarks: null }), 'the options of watermarks are null'],
  ['watermarks: hi', input({ watermarks: { hi: 4, low: 2 } }), 'watermarks has no option hi'],
  ['flowControl: null', input({ flowControl: null }), 'the options of flowControl are null'],
  [
    'flowControl: xof',
    input({ flowControl: { xof: [1], xon: [0] } }),
    'flowControl has no option xof; its options are xoff, xon',
  ],
  ['history: an object', input({ history: {} }), 'history is an object; it must be'],
  ['output: nothing', output(undefined), 'the options of openOutput are undefined'],
  ['output: size', output({ size: 4 }), 'openOutput has no option size; its options are bufferSize, buffers'],
  ['output: type', output({ bufferSize: 4, type: 5 }), 'type is 5; it must be the name of a flow type'],
  ['output: type null', output({ bufferSize: 4, type: null }), 'type is null'],
  ['output: properties', output({ bufferSize: 4, properties: [] }), 'properties are a value of class Array'],
  [
    'output: BigInt',
    output({ bufferSize: 4, properties: { n: 1n } }),
    'they must be an object of plain JSON',
  ],
  ['typed output: maxByte', typed({ maxByte: 4 }), 'openOutput with a flow type has no option maxByte'],
  ['json: check', () => json({ check: Number } as object), 'json has no option check; it is now parse'],
  ['json: parse', () => json({ parse: 1 } as object), 'parse is 1; it must be a function'],
  ['compressed: lvl', () => compressed(json(), { lvl: 1 } as object), 'compressed has no option lvl'],
  [
    'waitFor: timeout',
    waitFor({ timeout: 4 }),
    'waitFor has no option timeout; its options are timeoutMs, signal',
  ],
  [
    'waitFor: timeoutMs',
    waitFor({ timeoutMs: '4' }),
    'timeoutMs of waitFor is "4"; it must be milliseconds from 0',
  ],
  ['waitFor: signal', waitFor({ signal: {} }), 'signal of waitFor is an object; it must be an AbortSignal'],
  ['a message that is none', () => messageToWire(undefined as unknown as object), 'the message is nothing'],
  ['a message without class', () => messageToWire(Object.create(null) as object), 'not a message class'],
];

describe('wrong arguments of the client library', () => {
  for (const [name, call, message] of REFUSED) {
    it(`a wrong argument is refused by name: ${name}`, async () => {
      let thrown: unknown;
      try {
        await call();
      } catch (error) {
        thrown = error;
      }
      expect(isMirrorflowError(thrown, 'BAD_OPTION'), String(thrown)).to.equal(true);
      expect(String(thrown)).to.contain(message);
    });
  }
});
