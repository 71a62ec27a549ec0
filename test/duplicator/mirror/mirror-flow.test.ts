/** Files, limits and ownership of a whole mirror flow, on a simulated SpecTcl. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { MirrorFlow } from '../../../duplicator/mirror/mirror-flow.js';
import { parseOptions, type MirrorFlowOptions } from '../../../duplicator/options.js';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { COUNTERS } from '../../../protocol/flow/flow-file/counters.js';
import { openImage } from '../../../protocol/flow/flow-file/image.js';
import { openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../protocol/flow/flow-file/ring-reader.js';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { FlowRig } from '../flow-rig.js';
import { silent } from '../../kit/silent-log.js';

const MIB = 1024 * 1024;

describe('a mirror flow', () => {
  let rig: FlowRig;
  afterEach(async () => rig.close());

  it('a mirror has a flow file, an image and a socket while it runs, and none of them afterwards', async () => {
    rig = await FlowRig.make();
    await rig.flow.start();
    const { file, image, link, buffers, bufferSize } = rig.flow.layout;
    expect(statSync(file).mode & 0o777).to.equal(0o640);
    expect(statSync(image).mode & 0o777).to.equal(0o640);
    expect([statSync(link).isSocket(), bufferSize]).to.deep.equal([true, 5_600_000 + 128 * 1024]);
    expect(buffers).to.be.within(8, 64);
    const opened = openFlowFile(file, 'read');
    expect([opened.sourceState, opened.flags, opened.identity.type]).to.deep.equal(['live', 1, 'spectra']);
    expect(opened.counter(COUNTERS.published.id)).to.equal(1);
    await Promise.all([rig.flow.close(), rig.flow.close()]);
    expect(opened.sourceState).to.equal('ended');
    for (const path of [file, image, link]) expect(existsSync(path)).to.equal(false);
  });

  it('a mirror that cannot start leaves no file behind', async () => {
    rig = await FlowRig.make();
    mkdirSync(rig.runtimeDirectory, { mode: 0o750 });
    mkdirSync(join(rig.runtimeDirectory, 'links'), { mode: 0o750 });
    writeFileSync(join(rig.runtimeDirectory, 'links', 'test@spectra.sock'), 'no socket');
    expect((await rejection(rig.flow.start())).code).to.equal('ADDRESS_IN_USE');
    expect(readdirSync(join(rig.flowDirectory, 'test'))).to.deep.equal([]);
    expect(rig.simulator.counters.updatesServed).to.equal(0);
  });

  it('a second mirror of the same flow is refused with the owner, and the first continues', async () => {
    rig = await FlowRig.make();
    await rig.flow.start();
    const second = rig.makeFlow();
    const error = await rejection(second.start());
    expect([error.code, (error.facts as { pid?: number }).pid]).to.deep.equal(['FILE_OWNED', process.pid]);
    await rig.publishMore(2);
    expect(existsSync(rig.flow.layout.image)).to.equal(true);
  });

  /** A mirror whose process is 10 ms old, and the first timer that it sets, which never fires. */
  function youngMirror(): { readonly ms: number; readonly end: () => void }[] {
    const delays: { readonly ms: number; readonly end: () => void }[] = [];
    const madeMs = systemClock.nowMs();
    const clock: Clock = {
      // No time passes before the first timer, however busy the machine is.
      nowMs: () => (delays.length > 0 ? systemClock.nowMs() : madeMs),
      after: (delayMs, action, background) => {
        if (delays.length > 0) return systemClock.after(delayMs, action, background);
        delays.push({ ms: delayMs, end: action });
        return () => undefined;
      },
    };
    rig.flow = new MirrorFlow(parseOptions(rig.args(), {}) as MirrorFlowOptions, clock, silent, 10);
    return delays;
  }

  it('a mirror connects to its source only when a killed predecessor has been dead for 50 ms', async () => {
    rig = await FlowRig.make();
    mkdirSync(join(rig.flowDirectory, 'test'), { recursive: true });
    writeFileSync(join(rig.flowDirectory, 'test', 'spectra.flow'), 'the file of a dead owner');
    const delays = youngMirror();
    const started = rig.flow.start();
    expect(delays[0]?.ms).to.equal(40);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { restRequests, mirrorConnections } = rig.simulator.counters;
    expect([restRequests, mirrorConnections]).to.deep.equal([0, 0]);
    delays[0]?.end();
    await started;
    expect(rig.simulator.counters.mirrorConnections).to.equal(1);
  });

  it('a mirror without a predecessor connects to its source at once', async () => {
    rig = await FlowRig.make();
    youngMirror();
    await rig.flow.start();
    expect(rig.simulator.counters.mirrorConnections).to.equal(1);
  });

  it('a memory that is too large is refused with the numbers', async () => {
    rig = await FlowRig.make();
    const rest = createServer((request, response) => {
      const { url = '' } = request;
      const detail = url.includes('size')
        ? '2000000000'
        : url.includes('version')
          ? { major: 5, minor: 13, editlevel: 1 }
          : url.includes('list')
            ? []
            : 1;
      response.end(JSON.stringify({ status: 'OK', detail }));
    });
    const mirror = createTcpServer((socket) => socket.on('error', () => undefined));
    rest.listen(0, '127.0.0.1');
    mirror.listen(0, '127.0.0.1');
    await Promise.all([once(rest, 'listening'), once(mirror, 'listening')]);
    const port = (server: typeof mirror): number => (server.address() as AddressInfo).port;
    const connect = `spectcl://127.0.0.1?rest=${port(rest)}&mirror=${port(mirror)}`;
    const options = parseOptions(rig.args({}, connect), {}) as MirrorFlowOptions;
    const large = new MirrorFlow(options, systemClock, silent);
    const error = await rejection(large.start());
    rest.closeAllConnections();
    rest.close();
    mirror.close();
    expect([error.code, error.facts]).to.deep.equal([
      'TOO_LARGE',
      { channelBytes: 2_000_000_000, limitBytes: 2 ** 31 - 1 },
    ]);
    expect(error.message).to.contain('2000000000').and.contain('1068141823');
  });

  it('a mirror holds a memory of 512 MiB', async function () {
    this.timeout(120_000);
    const bins = 130_000_000;
    // In /dev/shm where it exists: two gigabytes are slow on a disk.
    const shared = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mirrorflow-test-'));
    rig = await FlowRig.make(
      { startTimeoutMs: 20_000, flowDirectory: join(shared, 'flows') },
      {
        channelBytes: 512 * MIB,
        checksum: false,
        spectra: [
          { name: 'large', type: 4, axes: [{ parameter: 'x', low: 0, high: 1, bins, unit: '' }], bare: true },
        ],
      },
    );
    const last = 5_600_000 + 4 * bins - 4;
    new DataView(rig.simulator.memory.buffer).setUint32(last, 0xcafe, true);
    await rig.flow.start();
    const { file, image, buffers } = rig.flow.layout;
    expect(buffers).to.equal(3);
    const reader = new RingReader(openFlowFile(file, 'read'), 'newest');
    expect([reader.peek(), reader.size]).to.deep.equal(['ready', 5_600_000 + 4 * bins]);
    expect(reader.view().readUInt32LE(last)).to.equal(0xcafe);
    expect(openImage(image).compare(reader.view(), 0, reader.size, 0, reader.size)).to.equal(0);
    await rig.flow.close();
    rmSync(shared, { recursive: true });
  });
});
