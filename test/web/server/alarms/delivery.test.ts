/** Alarms outside of the page: a real HTTP server, real commands, attempts by a manual clock. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { isMirrorflowError } from '../../../../protocol/base/errors.js';
import { DeliveryQueue, RETRY_AFTER_MS, WAITING_MAX } from '../../../../web/server/alarms/delivery-queue.js';
import { command, webhook } from '../../../../web/server/alarms/receivers.js';
import { eventually } from '../../../kit/eventually.js';
import { failureOf } from '../../../kit/failure-of.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const MESSAGE = { app: 'e1', alarm: 'beam; rm -rf /', state: 'raised' };
const LONG_MS = 60_000;

describe('the webhook of alarms', () => {
  let server: Server;
  let url: string;
  let directory: TemporaryDirectory;
  let status = 200;
  const requests: { body: string; token: string | undefined }[] = [];

  before(async () => {
    directory = new TemporaryDirectory();
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => {
        requests.push({ body, token: request.headers.authorization });
        response.writeHead(status, status === 302 ? { Location: url } : {}).end('answer');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });

  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    directory.remove();
  });

  const post = (tokenFile?: string): Promise<void> =>
    webhook({ url, ...(tokenFile === undefined ? {} : { tokenFile }) }, LONG_MS)(
      MESSAGE,
      new AbortController().signal,
    );

  it('the message is posted as JSON, with the token of a file as it is now', async () => {
    status = 204;
    writeFileSync(directory.file('token'), 'first\n');
    await post(directory.file('token'));
    writeFileSync(directory.file('token'), 'second\n');
    await post(directory.file('token'));
    expect(JSON.parse(requests.at(-1)!.body)).to.deep.equal(MESSAGE);
    expect(requests.slice(-2).map(({ token }) => token)).to.deep.equal(['Bearer first', 'Bearer second']);
  });

  it('an error, and a redirection to elsewhere, are failures', async () => {
    status = 500;
    const failure = await failureOf(post());
    expect(isMirrorflowError(failure, 'REFUSED') && failure.facts['status']).to.equal(500);
    status = 302;
    const before = requests.length;
    await failureOf(post());
    expect(requests.length).to.equal(before + 1);
  });

  it('a server that never answers ends the attempt at the time-out', async () => {
    const silentServer = createServer(() => undefined);
    await new Promise<void>((resolve) => silentServer.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(silentServer.address() as AddressInfo).port}/`;
    const failure = await failureOf(webhook({ url: address }, 100)(MESSAGE, new AbortController().signal));
    expect(String(failure)).to.match(/timeout|timed out/i);
    silentServer.closeAllConnections();
    await new Promise((resolve) => silentServer.close(resolve));
  });
});

describe('the command of alarms', () => {
  let directory: TemporaryDirectory;
  const signal = (): AbortSignal => new AbortController().signal;

  beforeEach(() => (directory = new TemporaryDirectory()));
  afterEach(() => directory.remove());

  it('a command gets the message on its input and names in its environment, and no shell reads them', async () => {
    const output = directory.file('out');
    const script = `
      let text = ''; process.stdin.on('data', (part) => text += part).on('end', () =>
        require('fs').writeFileSync(process.argv[1], JSON.stringify({ text, env: process.env })))`;
    process.env['MIRRORFLOW_SECRET_FILE'] = '/secret/file';
    try {
      const program = { program: process.execPath, arguments: ['-e', script, output] };
      await command(program, LONG_MS)(MESSAGE, signal());
    } finally {
      delete process.env['MIRRORFLOW_SECRET_FILE'];
    }
    const got = JSON.parse(readFileSync(output, 'utf8')) as { text: string; env: Record<string, string> };
    expect(JSON.parse(got.text)).to.deep.equal(MESSAGE);
    expect(got.env['MIRRORFLOW_ALARM']).to.equal('beam; rm -rf /');
    expect(got.env['MIRRORFLOW_ALARM_STATE']).to.equal('raised');
    expect(got.env).not.to.have.property('MIRRORFLOW_SECRET_FILE');
  });

  it('one that does not end is killed with what it has started, and the failure says so', async () => {
    const file = directory.file('pid');
    const script = `
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)']);
      require('fs').writeFileSync(process.argv[1], String(child.pid)); setInterval(() => 0, 1e6)`;
    const closing = new AbortController();
    const running = failureOf(
      command({ program: process.execPath, arguments: ['-e', script, file] }, LONG_MS)(
        MESSAGE,
        closing.signal,
      ),
    );
    const text = await eventually(() => existsSync(file) && readFileSync(file, 'utf8'), 'it runs');
    const pid = Number(text);
    closing.abort();
    await running;
    await eventually(() => !existsSync(`/proc/${pid}`) || isZombie(pid), 'what it started has ended');
    const slow = await failureOf(
      command({ program: '/bin/sleep', arguments: ['1000'] }, 100)(MESSAGE, signal()),
    );
    expect(String(slow)).to.include('did not end within 100 ms');
  });

  it('a status other than 0 is a failure with its standard error, a missing program one with its name', async () => {
    const script = { program: '/bin/sh', arguments: ['-c', 'echo no route >&2; exit 3'] };
    expect(String(await failureOf(command(script, LONG_MS)(MESSAGE, signal())))).to.include('status 3');
    const missing = { program: '/no/such/program', arguments: [] };
    expect(String(await failureOf(command(missing, LONG_MS)(MESSAGE, signal())))).to.include(
      '/no/such/program',
    );
  });
});

describe('the queue of a receiver', () => {
  const clock = new ManualClock();
  const numbers: unknown[] = [];

  it('a message is tried three times, the others wait in order, and at most a hundred of them', async () => {
    let fails = 3;
    const queue = new DeliveryQueue(
      'webhook',
      ({ number }) => {
        numbers.push(number);
        fails -= 1;
        return fails >= 0 ? Promise.reject(new Error('no')) : Promise.resolve();
      },
      clock,
      silent,
    );
    queue.add({ number: 1 });
    queue.add({ number: 2 });
    for (const waitMs of RETRY_AFTER_MS) {
      await clock.waitForTimer();
      expect(numbers).not.to.include(2);
      clock.advance(waitMs);
    }
    await eventually(() => queue.counts.delivered === 1, 'the second is delivered');
    expect(numbers).to.deep.equal([1, 1, 1, 2]);
    expect(queue.counts.failed).to.equal(1);
    for (let number = 0; number < WAITING_MAX + 5; number += 1) queue.add({ number });
    await eventually(
      () => queue.counts.delivered + queue.counts.failed >= WAITING_MAX + 5,
      'all are handled',
    );
    expect(queue.counts.failed).to.be.above(1);
    await queue.close();
  });

  it('closing ends the attempt that runs and drops what waits', async () => {
    const queue = new DeliveryQueue(
      'command',
      (_, closing) =>
        new Promise((_resolve, reject) => {
          closing.addEventListener('abort', () => reject(new Error('closed')));
        }),
      clock,
      silent,
    );
    queue.add({});
    queue.add({});
    await queue.close();
    queue.add({});
    expect(queue.counts).to.deep.equal({ delivered: 0, failed: 0 });
    expect(clock.delaysMs).to.deep.equal([]);
  });
});

/** Ended, and not yet collected by a parent. */
function isZombie(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') === true;
  } catch {
    return true;
  }
}
