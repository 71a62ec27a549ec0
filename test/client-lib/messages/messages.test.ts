/**
 * The messages of the Smartflow note, between real clients of a real app server: what is sent, what
 * arrives, and who handles it.
 */
import { expect } from 'chai';
import type { Attributes, Client } from '../../../client-lib/index.js';
import { RunningApplication } from '../running-application.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';
import { Invoked, Numbered } from './numbered-messages.js';

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

describe('messages between clients', () => {
  let application: RunningApplication;
  let viewer: Client;
  let run: Client;

  beforeEach(async () => {
    application = new RunningApplication();
    await application.start();
    viewer = await application.connect('viewer');
    run = await application.connect('run');
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
});
