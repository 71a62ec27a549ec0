/** Flow control, pause and stalls between real processes: app server, duplicator, flow threads. */
import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import type { Client, InputFlow, OutputFlow, ReachedMark } from '../../../client-lib/index.js';
import { RunningApplication } from '../running-application.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';

/** Program: polls `flow.marks` until there is an XOFF, or none, as `wanted`; prints the result. */
const ASK_UNTIL = `
const [address, wanted] = process.argv.slice(1);
const { origin, username, password } = new URL(address);
const headers = { 'content-type': 'text/xml', authorization: 'Basic ' + btoa(username + ':' + password) };
const body = '<?xml version="1.0"?><methodCall><methodName>flow.marks</methodName><params><param><value>events</value></param></params></methodCall>';
const deadline = Date.now() + 45000;
for (;;) {
  const answer = await (await fetch(origin, { method: 'POST', body, headers })).text();
  const found = String(answer.includes('xoff'));
  if (found === wanted || Date.now() > deadline) { process.stdout.write(found); process.exit(); }
}
`;
const SIZE = 64;
const RING = 64;

describe('flow control', () => {
  let application: RunningApplication;
  let provider: Client;
  let consumer: Client;
  let out: OutputFlow;
  let marks: ReachedMark[];

  beforeEach(async () => {
    application = new RunningApplication();
    await application.start();
    provider = await application.connect('run');
    consumer = await application.connect('viewer');
    out = await provider.openOutput('events', { bufferSize: SIZE, buffers: RING });
    marks = [];
    out.on('flowControl', (mark) => marks.push(mark));
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') process.stderr.write(`${application.system.logs()}\n`);
    await application.stop();
  });

  async function publish(buffers: number): Promise<void> {
    for (let count = 0; count < buffers; count += 1) await out.write(new Uint8Array(SIZE));
    out.flush();
  }

  const filled = (flow: InputFlow, buffers: number) =>
    eventually(() => flow.ready === buffers, `${buffers} are ready`);
  const received = (count: number) => eventually(() => marks.length >= count, `${count} marks`);

  it('when the number of filled buffers in the history reaches a limit, a message with the number hit and the total goes to the provider', async () => {
    const flow = await consumer.openInput('events', {
      history: 16,
      flowControl: { xoff: [8, 12], xon: [4] },
    });
    await publish(7);
    await filled(flow, 7);
    expect(marks).to.deep.equal([]);
    await publish(1);
    await received(1);
    expect(marks[0]).to.deep.equal({ kind: 'xoff', mark: 8, total: 16, fill: 8, consumer: 'viewer' });
    await publish(4);
    await received(2);
    expect(marks[1]).to.include({ kind: 'xoff', mark: 12, fill: 12 });
    flow.takeAll(8);
    await received(3);
    expect(marks[2]).to.deep.equal({ kind: 'xon', mark: 4, total: 16, fill: 4, consumer: 'viewer' });
  });

  it('the provider has the opportunity to use these messages as an XON/XOFF facility', async () => {
    const flow = await consumer.openInput('events', { history: 16, flowControl: { xoff: [8], xon: [2] } });
    let open = true;
    out.on('flowControl', ({ kind }) => {
      open = kind === 'xon';
    });
    let sent = 0;
    let taken = 0;
    await eventually(async () => {
      if (open) await publish(4);
      if (open) sent += 4;
      taken += flow.takeAll(3).length;
      return taken >= 200;
    }, 'two hundred buffers');
    expect(marks.some(({ kind }) => kind === 'xoff')).to.equal(true);
    expect(marks.some(({ kind }) => kind === 'xon')).to.equal(true);
    expect(flow.lost).to.equal(0);
    expect(sent).to.be.greaterThan(0);
  });

  it('the flow thread sends marks while the main thread is blocked', async () => {
    const flow = await consumer.openInput('events', { history: 16, flowControl: { xoff: [8], xon: [2] } });
    flow.pause();
    await publish(8);
    flow.resume();
    // From here on only the flow thread runs: the child blocks the main thread until the app server
    // has the mark.
    const blockUntil = (wanted: boolean): string =>
      execFileSync(process.execPath, [
        '--input-type=module',
        '-e',
        ASK_UNTIL,
        application.url,
        String(wanted),
      ]).toString();
    expect(blockUntil(true)).to.equal('true');
    while (flow.ready > 0) flow.takeSync(1000);
    expect(blockUntil(false)).to.equal('false');
    await received(2);
    expect(marks.map(({ kind, mark }) => `${kind} ${mark}`)).to.deep.equal(['xoff 8', 'xon 2']);
  });

  it('a later provider receives the XOFFs in force, and an XON when the consumer closes', async () => {
    await consumer.openInput('events', { history: 16, flowControl: { xoff: [8], xon: [2] } });
    await publish(8);
    await received(1);
    await out.close();
    const next = await application.connect('next');
    const later = await next.openOutput('events', { bufferSize: SIZE, buffers: RING });
    const laterMarks: ReachedMark[] = [];
    later.on('flowControl', (mark) => laterMarks.push(mark));
    await eventually(() => laterMarks.length === 1, 'the XOFF');
    expect(laterMarks[0]).to.include({ kind: 'xoff', mark: 8, consumer: 'viewer' });
    await consumer.close();
    await eventually(() => laterMarks.length === 2, 'the XON');
    expect(laterMarks[1]).to.include({ kind: 'xon', mark: 0, consumer: 'viewer' });
  });

  it('marks are sent again after the app server was killed and restarted', async () => {
    const flow = await consumer.openInput('events', { history: 16, flowControl: { xoff: [8], xon: [2] } });
    await publish(8);
    await received(1);
    process.kill(application.system.record()?.pid ?? 0, 'SIGKILL');
    await eventually(() => !provider.connected && !consumer.connected, 'the clients are disconnected');
    await application.start();
    await eventually(() => provider.connected && consumer.connected, 'the clients are reconnected');
    flow.takeAll(8);
    await eventually(() => marks.some(({ kind }) => kind === 'xon'), 'the XON');
    expect(marks.at(-1)).to.include({ kind: 'xon', mark: 2, consumer: 'viewer' });
  });

  it('watermarks: at the high watermark no more buffers are added, under the low one they are again', async () => {
    const flow = await consumer.openInput('events', { history: 16, watermarks: { high: 8, low: 3 } });
    await publish(20);
    await filled(flow, 8);
    flow.takeAll(5);
    await publish(4); // these signals would make the flow thread add buffers
    expect(flow.ready).to.equal(3);
    flow.takeAll(1);
    await filled(flow, 8);
    expect(flow.lost).to.equal(0);
  });

  it('XOFF without any XON is refused when it is set', async () => {
    const refused = await failureOf(consumer.openInput('events', { flowControl: { xoff: [4], xon: [] } }));
    expect(refused).to.include({ code: 'BAD_OPTION' });
  });

  it('a second provider is refused with the name of the first', async () => {
    const refused = await failureOf(consumer.openOutput('events', { bufferSize: SIZE, buffers: RING }));
    expect(refused).to.include({ code: 'FLOW_BUSY' });
    expect(refused.message).to.include('has a provider already: client run');
  });

  /** The consumer's link, once the duplicator reports it as paused. */
  const paused = () =>
    eventually(async () => {
      const { flows } = await consumer.applicationStatistics();
      return flows
        .flatMap(({ links }) => links)
        .find(({ role, paused }) => role === 'consumer' && paused === true);
    }, 'the duplicator reports the pause');

  for (const inline of [false, true]) {
    describe(`pause, ${inline ? 'inline' : 'with a flow thread'}`, () => {
      it('a paused lossless consumer holds the provider back, and loses nothing', async () => {
        const flow = await consumer.openInput('events', { inline, ...(inline ? {} : { history: 8 }) });
        flow.pause();
        expect(flow.paused).to.equal(true);
        await paused(); // until then, the flow thread may take what it sees
        await publish(RING);
        await eventually(() => out.free === 0, 'no credit is left');
        const link = await eventually(async () => {
          const found = await paused();
          return found?.holding ? found : undefined;
        }, 'the link holds the provider back');
        expect(link).to.include({ client: 'viewer', lag: RING, holding: true });
        flow.resume();
        for (let sequence = 0; sequence < RING; sequence += 1) {
          expect((await flow.take({ timeoutMs: 45_000 }))?.sequence).to.equal(sequence);
        }
        expect(flow.lost).to.equal(0);
      });

      it('a paused lossy consumer is lapped, and counts the buffers it missed', async () => {
        const flow = await consumer.openInput('events', {
          inline,
          delivery: 'lossy',
          ...(inline ? {} : { history: 8 }),
        });
        let lost = 0;
        flow.on('lost', (buffers) => {
          lost += buffers;
        });
        flow.pause();
        await paused();
        await publish(3 * RING);
        expect(flow.takeNow()).to.equal(undefined);
        flow.resume();
        const buffer = await flow.take({ timeoutMs: 45_000 });
        expect(buffer?.sequence).to.be.greaterThan(RING);
        await eventually(() => lost > 0, 'the loss is emitted');
        expect(lost).to.equal(buffer?.sequence);
        expect(flow.lost).to.equal(lost);
      });
    });
  }

  it('a stalled lossless consumer becomes lossy after the stall timeout, and both sides emit demoted', async () => {
    await out.close();
    const guarded = await provider.openOutput('guarded', {
      bufferSize: SIZE,
      buffers: 8,
      stallTimeoutMs: 50,
    });
    const demoted: string[] = [];
    guarded.on('demoted', (name) => demoted.push(name));
    const flow = await consumer.openInput('guarded', { history: 2 });
    let consumerDemoted = false;
    flow.on('demoted', () => {
      consumerDemoted = true;
    });
    flow.pause();
    await paused();
    for (let count = 0; count < 40; count += 1) await guarded.write(new Uint8Array(SIZE));
    await eventually(() => consumerDemoted && demoted.length > 0, 'both sides emit demoted');
    expect(demoted).to.deep.equal(['viewer']);
    expect(flow.delivery).to.equal('lossy');
    flow.resume();
    expect((await flow.take({ timeoutMs: 45_000 }))?.sequence).to.be.greaterThan(0);
    const [usage] = (await provider.applicationStatistics()).clients.find(
      ({ name }) => name === 'viewer',
    )!.flows;
    expect(usage).to.include({ delivery: 'lossy' });
  });
});
