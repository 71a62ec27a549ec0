/**
 * The messages of the Smartflow note, between real processes: a real app server, clients over
 * sessions and over HTTP.
 */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Attributes, Client } from '../../../client-lib/index.js';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { RunningApplication } from '../running-application.js';
import { TestProcess } from '../../kit/test-process.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';

class RunStarted {
  static readonly type = 'RunStarted';
  static readonly attributes = {
    run: 'number',
    title: 'string',
    beam: 'boolean',
    at: 'date',
    raw: 'bytes',
    rates: ['number'],
    detector: { name: 'string', channels: ['number'] },
    comment: 'string?',
  } satisfies Attributes;

  run = 0;
  title = '';
  beam = false;
  at = new Date(0);
  raw = new Uint8Array();
  rates: number[] = [];
  detector = { name: '', channels: [] as number[] };
  comment?: string;
}

/** Records its state when it is invoked at the receiver. */
class Invoked {
  static readonly attributes = { number: 'number' } satisfies Attributes;
  static readonly seen: number[] = [];
  number = 0;

  static of(number: number): Invoked {
    const message = new Invoked();
    message.number = number;
    return message;
  }

  invoke(): void {
    Invoked.seen.push(this.number);
    if (this.number < 0) throw new Error('a negative number');
  }
}

class Numbered {
  static readonly attributes = { number: 'number' } satisfies Attributes;
  number = 0;

  static of(number: number): Numbered {
    const message = new Numbered();
    message.number = number;
    return message;
  }
}

const PYTHON = `
import sys, xmlrpc.client
app = xmlrpc.client.ServerProxy(sys.argv[1], use_builtin_types=True)
me = app.client.present({'name': 'python', 'program': 'a script', 'pid': 0, 'version': ${PROTOCOL_VERSION}})['session']
assert app.client.poll(me) == []
sent = app.client.send(me, {'client': 'viewer'}, {'type': 'Numbered', 'attributes': {'number': 42}})
assert sent == {'received': [{'client': 'viewer'}], 'missed': []}, sent
waiting = []
while not waiting:
    waiting = app.client.poll(me, 10)
assert waiting == [{'kind': 'message', 'from': 'viewer', 'message': {'type': 'Numbered', 'attributes': {'number': 2.0**40}}}], waiting
try:
    app.client.send(me, {'client': 'absent'}, {'type': 'Numbered', 'attributes': {}})
    assert False
except xmlrpc.client.Fault as fault:
    assert 'there is no client absent' in fault.faultString, fault
app.client.leave(me)
print('all good')
`;
import { needsPython } from '../../kit/requirements.js';

const BUSY = 'test/fixtures/busy-receiver';

describe('messages between clients', () => {
  let application: RunningApplication;
  let viewer: Client;
  let run: Client;
  let release: string;

  beforeEach(async () => {
    application = new RunningApplication();
    await application.start();
    viewer = await application.connect('viewer');
    run = await application.connect('run');
    release = join(application.system.directory, 'release');
    Invoked.seen.length = 0;
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${application.system.logs()}\n`);
    await application.stop();
  });

  it('the content of the message are the values of the attributes: the receiver gets an object of its own class in exactly that state', async () => {
    const sent = Object.assign(new RunStarted(), {
      run: 2 ** 53 - 1,
      title: 'äöü € <&]]> \r\n\t',
      beam: true,
      at: new Date('2026-11-20T10:00:00.123Z'),
      raw: new Uint8Array([0, 255, 13, 10]),
      rates: [-0, 0.1, 1e300, -5e-324, 2 ** 31, -(2 ** 31) - 1],
      detector: { name: 'Ge', channels: [] },
    });
    const got = viewer.waitFor(RunStarted, { timeoutMs: 45_000 });
    expect(await run.send(sent, { to: { client: 'viewer' } })).to.deep.equal({
      received: [{ client: 'viewer' }],
      missed: [],
    });
    const received = await got;
    expect(received).to.be.instanceOf(RunStarted);
    expect(received).to.not.equal(sent);
    expect(received.rates.map((value) => Object.is(value, -0))).to.deep.equal([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(Object.entries(received)).to.deep.equal(Object.entries(sent));
  });

  it('a message that cannot be sent is refused at the sender, naming the attribute', async () => {
    const to = { client: 'viewer' };
    const nan = await failureOf(run.send(Numbered.of(Number.NaN), { to }));
    expect(nan).to.include({ code: 'INVALID_PARAMETERS' });
    expect(nan.message).to.include('attribute number must be a finite number, and is NaN');
    const undeclared = await failureOf(run.send(Object.assign(Numbered.of(1), { more: 1 }), { to }));
    expect(undeclared.message).to.include('attribute more is not declared; declared are number');
    const wrong = Object.assign(new RunStarted(), { detector: { name: 'Ge', channels: [1, 'two'] } });
    expect((await failureOf(run.send(wrong, { to }))).message).to.include('attribute detector.channels[1]');
    const control = Object.assign(new RunStarted(), { title: 'a\u0001b' });
    expect((await failureOf(run.send(control, { to }))).message).to.include('U+0001');
    expect((await failureOf(run.send({ number: 1 }, { to }))).message).to.include('not a message class');
    const targets: [unknown, string][] = [
      [undefined, 'the options of send are undefined; they must be an object with to'],
      [{ client: 'viewer' }, 'send has no option client; its options are to'],
      [{ to: undefined }, 'the options of to are undefined'],
      [{ to: {} }, 'to names no receiver; it must be one of { client: name }'],
      [{ to: { client: 'viewer', provider: 'events' } }, 'to names client and provider'],
      [{ to: { application: false } }, 'to names application: false'],
      [{ to: { clients: 'viewer' } }, 'to has no option clients'],
    ];
    for (const [options, message] of targets) {
      const failure = await failureOf(run.send(Numbered.of(1), options as { to: { client: string } }));
      expect(failure).to.include({ code: 'BAD_OPTION' });
      expect(failure.message).to.include(message);
    }
  });

  it('a wrong message of another program is refused at the receiver, and its sender gets the error', async () => {
    viewer.on(Numbered, () => undefined);
    const { call, token } = await application.overHttp('foreign');
    const send = (attributes: { [name: string]: string | number }) =>
      failureOf(call('client.send', [token, { client: 'viewer' }, { type: 'Numbered', attributes }]));
    expect((await send({ number: 'one' })).message).to.include('attribute number must be a finite number');
    expect((await send({ number: 1, extra: 2 })).message).to.include('attribute extra is not declared');
    expect((await send({})).message).to.include('attribute number must be a finite number, and is nothing');
  });

  it('the invoke() method accepts incoming messages, with the object in exactly the state of the sender', async () => {
    viewer.register(Invoked);
    await run.send(Invoked.of(7), { to: { client: 'viewer' } });
    await eventually(() => Invoked.seen.length === 1, 'the message is invoked');
    expect(Invoked.seen).to.deep.equal([7]);
  });

  it('a message without invoke() and handler is dropped, and its sender gets no error', async () => {
    viewer.register(Numbered);
    expect((await run.send(Numbered.of(1), { to: { client: 'viewer' } })).received).to.have.length(1);
    const handled: number[] = [];
    viewer.on(Numbered, ({ number }) => void handled.push(number));
    await run.send(Numbered.of(2), { to: { client: 'viewer' } });
    await eventually(() => handled.length > 0, 'the second message');
    expect(handled).to.deep.equal([2]);
  });

  it('clients register handlers for types of messages, and remove them', async () => {
    const handled: string[] = [];
    const handler = ({ number }: Numbered, { from }: { from: string }): void =>
      void handled.push(`${from} ${number}`);
    viewer.on(Numbered, handler).on(RunStarted, () => void handled.push('run'));
    await run.send(Numbered.of(1), { to: { client: 'viewer' } });
    await eventually(() => handled.length === 1, 'the message');
    viewer.off(Numbered, handler);
    await run.send(Numbered.of(2), { to: { client: 'viewer' } });
    await run.send(new RunStarted(), { to: { client: 'viewer' } });
    await eventually(() => handled.length === 2, 'the other message');
    expect(handled).to.deep.equal(['run 1', 'run']);
  });

  it('handlers are called one at a time, in the order of arrival; a returned promise is awaited before the next', async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    viewer.on(Numbered, async ({ number }) => {
      order.push(`begin ${number}`);
      if (number === 0) await gate;
      order.push(`end ${number}`);
    });
    viewer.on(RunStarted, () => void order.push('run'));
    const to = { client: 'viewer' };
    await Promise.all([
      run.send(Numbered.of(0), { to }),
      run.send(new RunStarted(), { to }),
      run.send(Numbered.of(1), { to }),
    ]);
    await eventually(() => order.length > 0, 'the first has begun');
    expect(order).to.deep.equal(['begin 0']);
    release();
    await eventually(() => order.length === 5, 'all have ended');
    expect(order).to.deep.equal(['begin 0', 'end 0', 'run', 'begin 1', 'end 1']);
  });

  it('a throwing handler is reported and does not stop the others', async () => {
    const errors: string[] = [];
    const handled: number[] = [];
    viewer.on('messageError', (error) => errors.push(String(error)));
    viewer.on(Invoked, () => Promise.reject(new Error('not today')));
    viewer.on(Invoked, ({ number }) => void handled.push(number));
    await run.send(Invoked.of(-1), { to: { client: 'viewer' } });
    await run.send(Invoked.of(2), { to: { client: 'viewer' } });
    await eventually(() => handled.length === 2, 'both messages are handled');
    expect(errors).to.deep.equal(['Error: a negative number', 'Error: not today', 'Error: not today']);
  });

  it('a program can wait until a particular message arrives, also inside a handler', async () => {
    const answers: number[] = [];
    viewer.on(RunStarted, async () => {
      answers.push((await viewer.waitFor(Numbered, { timeoutMs: 45_000 })).number);
    });
    await run.send(new RunStarted(), { to: { client: 'viewer' } });
    await eventually(async () => {
      await run.send(Numbered.of(5), { to: { client: 'viewer' } });
      return answers.length > 0;
    }, 'the answer');
    expect(answers).to.deep.equal([5]);
  });

  it('a wait for a message ends with its timeout, its signal and its client', async () => {
    expect(await failureOf(viewer.waitFor(Numbered, { timeoutMs: 1 }))).to.include({ code: 'TIMED_OUT' });
    const abort = new AbortController();
    const aborted = failureOf(viewer.waitFor(Numbered, { signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await aborted).to.include({ code: 'CLOSED' });
    const closing = failureOf(viewer.waitFor(Numbered));
    await viewer.close();
    expect(await closing).to.include({ code: 'CLOSED' });
    expect(await failureOf(viewer.waitFor(Numbered))).to.include({ code: 'CLOSED' });
  });

  it('a message goes to all clients of a name, to the application or to the provider of a flow, and send resolves with their names', async () => {
    const second = await application.connect('viewer');
    const handled: string[] = [];
    for (const [name, client] of Object.entries({ viewer, second, run })) {
      client.on(Numbered, ({ number }) => void handled.push(`${name} ${number}`));
    }
    await run.openOutput('events', { bufferSize: 64, buffers: 4 });
    const viewers = { received: [{ client: 'viewer' }, { client: 'viewer' }], missed: [] };
    expect(await run.send(Numbered.of(1), { to: { client: 'viewer' } })).to.deep.equal(viewers);
    expect(await run.send(Numbered.of(2), { to: { application: true } })).to.deep.equal(viewers);
    const provider = await viewer.send(Numbered.of(3), { to: { provider: 'events' } });
    expect(provider).to.deep.equal({ received: [{ client: 'run' }], missed: [] });
    await eventually(() => handled.length === 5, 'all messages are handled');
    expect(handled.toSorted()).to.deep.equal(['run 3', 'second 1', 'second 2', 'viewer 1', 'viewer 2']);
    expect(await failureOf(run.send(Numbered.of(4), { to: { client: 'absent' } }))).to.include({
      code: 'UNKNOWN_CLIENT',
      message: 'there is no client absent; connected are: run, viewer',
    });
    expect(await failureOf(run.send(Numbered.of(4), { to: { provider: 'nothing' } }))).to.include({
      code: 'UNKNOWN_FLOW',
    });
  });

  it('a busy main thread delays no sender: its messages are queued and acknowledged meanwhile, and handled in order afterwards', async () => {
    const busy = new TestProcess(BUSY, [application.system.directory, release]);
    try {
      expect(await busy.line()).to.equal('blocked');
      const outcomes = [];
      for (const number of [1, 2, 3]) {
        outcomes.push(await run.send(Numbered.of(number), { to: { client: 'busy' } }));
      }
      const all = await run.send(Numbered.of(4), { to: { application: true } });
      // The program is still in the same call: it ends only when this file exists.
      expect(busy.output).to.equal('blocked\n');
      writeFileSync(release, '');
      for (const number of [1, 2, 3, 4]) expect(await busy.line()).to.equal(`handled ${number}`);
      for (const { received, missed } of outcomes) {
        expect({ received, missed }).to.deep.equal({ received: [{ client: 'busy' }], missed: [] });
      }
      expect(all.received.map(({ client }) => client)).to.have.members(['busy', 'viewer']);
    } finally {
      await busy.kill();
    }
  });

  it('a thread can block until a particular message arrives, and other messages keep their order', async () => {
    const busy = new TestProcess(BUSY, [application.system.directory, release, 'wait']);
    try {
      expect(await busy.line()).to.equal('blocked');
      await run.send(Invoked.of(1), { to: { client: 'busy' } });
      expect((await run.send(Numbered.of(2), { to: { client: 'busy' } })).missed).to.deep.equal([]);
      expect(await busy.line()).to.equal('waited for 2');
      expect(await busy.line()).to.equal('no other message');
      expect(await busy.line()).to.equal('invoked 1');
      expect(await busy.line()).to.equal('handled 2');
    } finally {
      await busy.kill();
    }
  });

  it('the full queue of a client refuses messages and keeps the queued ones', async () => {
    let handled = 0;
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    viewer.on(Numbered, async () => {
      await gate;
      handled += 1;
    });
    let sent = 0;
    let failure: (Error & { code?: string }) | undefined;
    while (failure === undefined && sent < 2 * LIMITS.messagesWaiting) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 64 }, () => run.send(Numbered.of(0), { to: { client: 'viewer' } })),
      );
      sent += outcomes.filter(({ status }) => status === 'fulfilled').length;
      failure = outcomes.find((outcome) => outcome.status === 'rejected')?.reason as typeof failure;
    }
    expect(failure).to.include({ code: 'LIMIT_REACHED' });
    expect(sent).to.equal(LIMITS.messagesWaiting + 1);
    await application.connect('logger');
    const { received, missed } = await run.send(Numbered.of(0), { to: { application: true } });
    expect(received).to.deep.equal([{ client: 'logger' }]);
    expect(missed).to.have.length(1);
    expect(missed[0]).to.include({ client: 'viewer', code: 'LIMIT_REACHED' });
    release();
    await eventually(() => handled === sent, 'all messages are handled');
  });

  it('a plain HTTP client polls for its messages, in order and within bounds', async () => {
    const { call, token } = await application.overHttp('plain');
    expect(await call('client.poll', [token])).to.deep.equal([]);
    for (const number of [1, 2, 3]) await run.send(Numbered.of(number), { to: { client: 'plain' } });
    const numbersOf = async (max: number) =>
      (await call('client.poll', [token, max])).map(({ message }) => message?.attributes['number']);
    expect(await numbersOf(2)).to.deep.equal([1, 2]);
    expect(await numbersOf(2)).to.deep.equal([3]);
    for (let count = 0; count < LIMITS.messagesWaiting; count += 128) {
      await Promise.all(
        Array.from({ length: 128 }, () => run.send(Numbered.of(0), { to: { client: 'plain' } })),
      );
    }
    const failure = await failureOf(run.send(Numbered.of(0), { to: { client: 'plain' } }));
    expect(failure).to.include({ code: 'LIMIT_REACHED' });
    expect(await numbersOf(1024)).to.have.length(1024);
    const { session, call: onSession, token: own } = await application.system.client('session');
    expect(callerOf(CONTRACT, session)).to.be.a('function');
    expect((await failureOf(onSession('client.poll', [own]))).message).to.include('over HTTP');
  });

  it('messages are delivered again after the app server was killed and restarted', async () => {
    const handled: number[] = [];
    viewer.on(Numbered, ({ number }) => void handled.push(number));
    process.kill(application.system.record()?.pid ?? 0, 'SIGKILL');
    await eventually(() => !run.connected, 'the client is disconnected');
    await application.start();
    await eventually(() => run.connected && viewer.connected, 'both clients are reconnected');
    expect((await run.send(Numbered.of(9), { to: { client: 'viewer' } })).missed).to.deep.equal([]);
    await eventually(() => handled.length === 1, 'the message');
  });

  it('a Python program sends and receives messages', async function () {
    needsPython(this, 'xmlrpc.client');
    const handled: number[] = [];
    viewer.on(Numbered, async ({ number }, { from }) => {
      handled.push(number);
      await viewer.send(Numbered.of(2 ** 40), { to: { client: from } });
    });
    const { stdout } = await promisify(execFile)('python3', ['-c', PYTHON, application.url]);
    expect(stdout).to.equal('all good\n');
    expect(handled).to.deep.equal([42]);
  });
});
