/** The record of changes of SpecTcl on the command line. Starts `mirrorflow` as a process. */
import { join } from 'node:path';
import { expect } from 'chai';
import type { ChangeRecordLine } from '../../../protocol/spectcl/change-record.js';
import { ChangeLog } from '../../../web/server/change-log.js';
import { silent } from '../../kit/silent-log.js';
import { ConsoleSystem } from '../system.js';

describe('the command changes', () => {
  let system: ConsoleSystem;

  beforeEach(() => {
    system = new ConsoleSystem();
  });

  afterEach(async () => {
    await system.close();
  });

  it('changes: prints what the viewer has recorded, newest first, without any server', async () => {
    const directory = join(system.root, 'state');
    const log = new ChangeLog(directory, silent);
    const from = { app: 'e1', who: 'page', address: '10.0.0.7' };
    log.append({ ...from, time: 1, request: { request: 'spectrum/zero' }, outcome: { done: true } });
    const refused = { done: false, reason: 'not found' } as const;
    log.append({ ...from, time: 2, request: { request: 'gate/delete', name: 'g' }, outcome: refused });
    const place = ['--state-directory', directory];
    const { stdout, exit } = await system.run('changes', 'e1', ...place);
    expect(exit).to.equal(0);
    const [, first, second] = stdout.split('\n');
    expect(first).to.match(/^1970-01-01T00:00:00\.002Z +page +10\.0\.0\.7 +delete gate g +not found/);
    expect(second).to.contain('zero all spectra');
    const last = await system.json<ChangeRecordLine[]>('changes', 'e1', '--last', '1', ...place);
    expect(last.map(({ request }) => request)).to.deep.equal([{ request: 'gate/delete', name: 'g' }]);
    expect((await system.run('changes', 'other', ...place)).stdout).to.contain('No changes are recorded.');
    const bad = await system.run('changes', 'e1', '--last', '0', ...place);
    expect([bad.exit, bad.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('--last is 0'),
    );
  });
});
