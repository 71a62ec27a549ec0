/** The connection of a duplicator to its app server, here one whose answers the test holds back. */
import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Parent, type ParentHooks } from '../../duplicator/parent.js';
import { ownIdentity } from '../../protocol/base/owner-identity.js';
import { appTokenPath } from '../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { identityToWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { DuplicatorReport } from '../../protocol/rpc/contract/shapes.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { SessionServer } from '../../protocol/rpc/xml-rpc/session-server.js';
import { eventually } from '../kit/eventually.js';
import { silent } from '../kit/silent-log.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

describe('the reports of a duplicator', () => {
  let directory: TemporaryDirectory;
  let server: SessionServer<undefined>;
  let parent: Parent;
  /** What the app server was told, and how it is made to answer. */
  let reports: DuplicatorReport[];
  let demoted: number[];
  let answer: (() => void)[];
  let published: number;

  beforeEach(async () => {
    directory = new TemporaryDirectory();
    [reports, demoted, answer, published] = [[], [], [], 0];
    const socket = directory.file('app.sock');
    const childToken = appTokenPath(directory.path, 'e1', 'child');
    mkdirSync(dirname(childToken), { recursive: true });
    writeFileSync(childToken, 'a'.repeat(64), { mode: 0o600 });
    server = new SessionServer<undefined>({
      dispatcher: new Dispatcher<MirrorflowContract, undefined>(
        CONTRACT,
        {
          'child.prove': () => true,
          'duplicator.subscribe': () => ({ adopted: false }),
          'duplicator.report': async ([report]) => {
            reports.push(report);
            await new Promise<void>((resolve) => answer.push(resolve));
            return true;
          },
          'duplicator.demoted': ([client]) => {
            demoted.push(client);
            return true;
          },
        },
        { log: silent, granted: () => 'child' },
      ),
      context: () => undefined,
      log: silent,
    });
    await server.listen({ path: socket });
    parent = new Parent({ socket, childToken }, hooks(), silent);
    parent.start();
    await eventually(() => reports.length === 1, 'the first report is there');
  });

  afterEach(async () => {
    for (const send of answer) send();
    await parent.close();
    await server.close();
    directory.remove();
  });

  const hooks = (): ParentHooks => ({
    started: Promise.resolve(),
    ready: () => ({
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
      application: 'e1',
      flow: 'events',
      type: 'bytes',
      file: '/dev/shm/e1/events.flow',
      link: '/run/e1.sock',
      buffers: 4,
      bufferSize: 100,
    }),
    report: () => ({ sourceState: 'live', published, clients: 0 }),
    statistics: () => ({ published, links: [], remotes: [] }),
    serve: () => Promise.reject(new Error('not used')),
    redirect: () => false,
    quit: () => undefined,
    consumers: () => undefined,
  });

  it('a change while the first report is unanswered is reported after its answer', async () => {
    published = 7;
    parent.report();
    parent.demoted(3);
    answer.shift()?.();
    await eventually(() => reports.length === 2, 'the change is reported');
    expect(reports.map((report) => report.published)).to.deep.equal([0, 7]);
    await eventually(() => demoted.length === 1, 'the stalled consumer is reported');
  });
});
