/** A dead owner's flow file that another program removes while its successor takes it over. */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { LocalFlow } from '../../../duplicator/local/local-flow.js';
import { parseOptions, type LocalFlowOptions } from '../../../duplicator/options.js';
import { Logger } from '../../../protocol/base/log.js';
import { flowFilePath } from '../../../protocol/base/paths.js';
import { openFlowFile } from '../../../protocol/flow/flow-file/open.js';
import { duplicatorArguments } from '../../../protocol/rpc/contract/duplicator-options.js';
import { codeOf } from '../../kit/failure-of.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';
import { damageHeader } from '../../protocol/flow/flow-file/damage.js';
import { CAPACITY, DeadFile, SLOTS } from '../recovery/dead-file.js';

describe('a flow file that is removed while it is taken over', () => {
  let directory: TemporaryDirectory;
  let dead: DeadFile;
  let flow: LocalFlow;
  let isRemoved: boolean;
  let makeFlow: () => LocalFlow;

  beforeEach(() => {
    directory = new TemporaryDirectory();
    const [run, flows] = [directory.file('run'), directory.file('flows')];
    const path = flowFilePath(flows, 'test', 'events');
    mkdirSync(run, { mode: 0o750 });
    mkdirSync(dirname(path), { recursive: true });
    dead = new DeadFile(6, { path });
    isRemoved = true;
    const options = { application: 'test', directory: run, flowDirectory: flows };
    const given = {
      flow: 'events',
      direction: 'output',
      bufferSize: CAPACITY,
      buffers: SLOTS,
      options,
    } as const;
    const log = new Logger('test', {
      sink: (line) => {
        if (isRemoved && line.includes('was taken over')) rmSync(path);
      },
    });
    makeFlow = () => new LocalFlow(parseOptions(duplicatorArguments(given), {}) as LocalFlowOptions, log);
    flow = makeFlow();
  });
  afterEach(async () => {
    await flow.close();
    dead.remove();
    directory.remove();
  });

  const published = (): number[] => {
    const { published: count, epoch } = openFlowFile(dead.path, 'read');
    return [count, epoch];
  };

  it('is put back, and taken over at the next start', async () => {
    expect(await codeOf(flow.start())).to.equal('NOT_PERMITTED');
    expect(published()).to.deep.equal([6, 7]);
    isRemoved = false;
    // The copy says that this process owns it.
    damageHeader(openFlowFile(dead.path, 'read-write'), 'ownerStartTicks', 1);
    const next = makeFlow();
    await next.start();
    expect([next.published, next.layout.file]).to.deep.equal([6, dead.path]);
    await next.close();
  });
});
