/** Notices to a stand-in for systemd, with a clock that fires by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { SystemdNotifier } from '../../../host-server/boot/sd-notify.js';
import type { Clock } from '../../../protocol/base/clock.js';
import { UnixDatagramSocket } from '../../../protocol/flow/signal-link/unix-datagram.js';

class HandClock implements Clock {
  readonly timers: { delayMs: number; action: () => void }[] = [];
  nowMs(): number {
    return 0;
  }
  after(delayMs: number, action: () => void): () => void {
    const timer = { delayMs, action };
    this.timers.push(timer);
    return () => void this.timers.splice(this.timers.indexOf(timer), 1);
  }
  fire(): void {
    for (const timer of this.timers.splice(0)) timer.action();
  }
}

describe('the notifier of systemd', () => {
  let directory = '';
  let path = '';
  let systemd: UnixDatagramSocket;
  let notices: string[] = [];
  let warnings: string[] = [];
  let wake = (): void => {};
  const log = { warn: (message: string) => void warnings.push(message) };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'notify');
    notices = [];
    warnings = [];
    systemd = new UnixDatagramSocket((bytes) => {
      notices.push(bytes.toString());
      wake();
    });
    systemd.bind(path);
  });

  afterEach(() => {
    systemd.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function noticed(count: number): Promise<string[]> {
    while (notices.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return notices;
  }

  it('ready, status and stopping are sent to the socket of systemd', async () => {
    const notifier = new SystemdNotifier({ NOTIFY_SOCKET: path }, log);
    expect(notifier.active).to.equal(true);
    notifier.ready('serving 2 applications');
    notifier.status('one\nREADY=0');
    notifier.stopping();
    expect(await noticed(3)).to.deep.equal([
      'READY=1\nSTATUS=serving 2 applications',
      'STATUS=one READY=0',
      'STOPPING=1',
    ]);
    expect(warnings).to.deep.equal([]);
  });

  it('pings are sent at half of the watchdog time-out until they are stopped', async () => {
    const clock = new HandClock();
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) };
    const notifier = new SystemdNotifier(env, log, clock);
    expect(notifier.watchdogTimeoutMs).to.equal(30_000);
    notifier.startWatchdog();
    notifier.startWatchdog();
    expect(clock.timers.map((timer) => timer.delayMs)).to.deep.equal([15_000]);
    clock.fire();
    expect(await noticed(2)).to.deep.equal(['WATCHDOG=1', 'WATCHDOG=1']);
    notifier.stopWatchdog();
    expect(clock.timers).to.deep.equal([]);
  });

  it('no pings are sent when systemd watches another process or none', () => {
    for (const env of [
      { NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' },
      { NOTIFY_SOCKET: path, WATCHDOG_USEC: 'soon' },
      { NOTIFY_SOCKET: path },
      { WATCHDOG_USEC: '1000000' },
    ]) {
      const clock = new HandClock();
      const notifier = new SystemdNotifier(env, log, clock);
      notifier.startWatchdog();
      expect([notifier.watchdogTimeoutMs, clock.timers.length]).to.deep.equal([undefined, 0]);
    }
  });

  it('nothing is sent or logged outside of systemd', () => {
    const notifier = new SystemdNotifier({}, log);
    notifier.ready('up');
    notifier.stopping();
    expect([notifier.active, warnings]).to.deep.equal([false, []]);
  });

  it('a socket without a listener is logged once, and nothing is thrown', () => {
    const notifier = new SystemdNotifier({ NOTIFY_SOCKET: join(directory, 'missing') }, log);
    notifier.ready('up');
    notifier.status('still up');
    expect(warnings).to.deep.equal(['systemd cannot be notified']);
  });

  it('an abstract socket is logged as not supported', () => {
    const notifier = new SystemdNotifier({ NOTIFY_SOCKET: '@/org/systemd/notify' }, log);
    notifier.ready('up');
    expect(notifier.active).to.equal(false);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.contain('abstract');
  });

  it('a notice is sent again while the socket is full', async () => {
    const clock = new HandClock();
    const flood = new UnixDatagramSocket();
    const notifier = new SystemdNotifier({ NOTIFY_SOCKET: path }, log, clock);
    let sent = 0;
    while (sent < 100_000 && flood.send(Buffer.from('X=1'), 3, path) === 'sent') sent++;
    flood.close();
    notifier.ready('late');
    expect(clock.timers).to.have.length(1);
    await noticed(sent);
    clock.fire();
    expect((await noticed(sent + 1)).at(-1)).to.contain('READY=1');
    expect(warnings).to.deep.equal([]);
  });
});
