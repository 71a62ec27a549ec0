/** The bounds of fits for callers of XML-RPC: how many run, how long, and what ends them. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SpectrumFits } from '../../../app-server/calls/spectrum-fits.js';
import { failureOf } from '../../kit/failure-of.js';
import { ManualClock } from '../../kit/manual-clock.js';

const RANGE = { range: '1-2' };

describe('fits of the app server', () => {
  let clock: ManualClock;
  /** Takes connections and never answers, so that the thread stays busy. */
  let silent: Server;
  const connections = new Set<Socket>();

  beforeEach(async () => {
    clock = new ManualClock();
    silent = createServer((socket) => connections.add(socket.on('error', () => undefined)));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });

  afterEach(async () => {
    for (const socket of connections) socket.destroy();
    connections.clear();
    silent.close();
    await once(silent, 'close');
  });

  function busyFits(): SpectrumFits {
    const { port } = silent.address() as AddressInfo;
    const source = `spectcl://127.0.0.1?rest=${port}&mirror=${port}`;
    return new SpectrumFits({ source, fileOf: () => Promise.resolve('/nowhere/flow'), clock });
  }

  it('a fifth fit is refused while four run, and runs when one has ended', async () => {
    const opened: ((file: string) => void)[] = [];
    const fileOf = (): Promise<string> => new Promise((resolve) => opened.push(resolve));
    const fits = new SpectrumFits({ source: undefined, fileOf, clock });
    const running = [1, 2, 3, 4].map(() => failureOf(fits.fit('a', RANGE)));
    const refused = await failureOf(fits.peaks('a', {}));
    expect(refused).to.include({ code: 'LIMIT_REACHED' });
    expect(refused.message).to.equal('4 fits and peak searches are running; retry when one has ended');
    opened[0]!('/nowhere/flow');
    expect(await running[0]).to.include({ code: 'UNKNOWN_FLOW' });
    running.push(failureOf(fits.peaks('a', {})));
    expect(opened).to.have.length(5);
    for (const open of opened) open('/nowhere/flow');
    await Promise.all(running);
  });

  it('a fit that takes longer than 8 s is ended with advice', async () => {
    const failure = failureOf(busyFits().fit('a', RANGE));
    await once(silent, 'connection');
    clock.advance(8_000);
    const error = await failure;
    expect(error).to.include({ code: 'TIMED_OUT' });
    expect(error.message).to.equal(
      'the fit of a took more than 8000 ms; use a smaller range, fewer peaks or no intervals',
    );
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('a close ends the threads, and their callers get CLOSED', async () => {
    const fits = busyFits();
    const failure = failureOf(fits.fit('a', RANGE));
    await once(silent, 'connection');
    await fits.close();
    expect(await failure).to.include({ code: 'CLOSED' });
    expect(clock.delaysMs).to.deep.equal([]);
  });
});
