/**
 * How messages reach a client that is busy, blocked, full or polls, and after its app server was
 * restarted; between real processes, over sessions and over HTTP.
 */
import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '../../../client-lib/index.js';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import { callerOf } from '../../../protocol/rpc/xml-rpc/contract.js';
import { RunningApplication } from '../running-application.js';
import { TestProcess } from '../../kit/test-process.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';
import { needsPython } from '../../kit/requirements.js';
import { Invoked, Numbered } from './numbered-messages.js';

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
const BUSY = 'test/fixtures/busy-receiver';

describe('the delivery of messages', () => {
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
