/** An adopted app server that ends without a record, with a clock and records of the test. */
import { expect } from 'chai';
import { APPLICATION_TIMES } from '../../../host-server/app-server-launch.js';
import type { ApplicationDependencies } from '../../../host-server/applications/application-dependencies.js';
import { Application } from '../../../host-server/applications/application.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { turnsOfEventLoop } from '../../kit/local-host.js';
import { ManualClock } from '../../kit/manual-clock.js';

/** No process has this id. */
const IDENTITY = { pid: 2 ** 22 + 1, startTicks: 1, bootId: '' };

describe('an adopted app server that ends while its record is missing', () => {
  let clock: ManualClock;
  let hasRecord: boolean;
  let starts: number;

  beforeEach(() => {
    clock = new ManualClock();
    hasRecord = false;
    starts = 0;
  });

  /** Adopts an app server and lets it end. */
  async function ended(launch: string | undefined): Promise<Application> {
    const dependencies = {
      clock,
      times: APPLICATION_TIMES,
      childSpec: () => {
        starts += 1;
        throw new MirrorflowError('START_FAILED', 'no process is started here');
      },
      runningServer: () => undefined,
      stopServer: () => Promise.resolve(),
      hasRecord: () => hasRecord,
      readersOf: () => ({ users: [], groups: [] }),
      recordedOptions: () => ({ name: 'e1' }),
      notAsConfigured: () => undefined,
      removeLeftovers: () => undefined,
      stopOrphans: () => Promise.resolve(),
      changed: () => undefined,
    } as unknown as ApplicationDependencies;
    const application = new Application({ name: 'e1' }, true, dependencies);
    const ready = {
      identity: IDENTITY,
      version: 2,
      name: 'e1',
      port: 7,
      ...(launch === undefined ? {} : { launch }),
    };
    const session = { closed: Promise.resolve(), call: () => Promise.reject(new Error('no calls here')) };
    application.subscribe(ready as never, session as never);
    await turnsOfEventLoop();
    expect([application.state, starts]).to.deep.equal(['stopped', 0]);
    return application;
  }

  it('has ended in good order, and is not started again', async () => {
    const application = await ended('token');
    clock.advance(60_000);
    await turnsOfEventLoop();
    expect([application.state, starts]).to.deep.equal(['stopped', 0]);
  });

  it('was killed, where another program proves to remove files, and is started again', async () => {
    await ended('token');
    hasRecord = true;
    clock.advance(1_000);
    await turnsOfEventLoop();
    for (const delay of clock.delaysMs) clock.advance(delay);
    await turnsOfEventLoop();
    expect(starts).to.be.above(0);
  });

  it('is left alone, where a user has started it', async () => {
    const application = await ended(undefined);
    hasRecord = true;
    clock.advance(60_000);
    await turnsOfEventLoop();
    expect([application.state, starts]).to.deep.equal(['stopped', 0]);
  });
});
