/**
 * Applications are shown over TCP ports to those users of this machine who may read them. A second
 * Unix user asks the viewer's metrics and the gateway. Needs root.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { mayRead, readersOf } from '../../protocol/host/access/audience.js';
import { eventually } from '../kit/eventually.js';
import { needsRoot } from '../kit/requirements.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';

const OTHER_USER = { uid: 65_534, gid: 65_534 };
const ROOT = { uid: 0, gid: 0 };
/** A user without account, so that it is a member of no group. */
const VISITOR = 54_321;

describe('who may see an application', () => {
  it('the owner, root, listed users and members of a group may read; others only what everyone may', () => {
    const groupsOf = (uid: number): number[] => (uid === 7 ? [200] : []);
    const may = (access: Parameters<typeof readersOf>[0], uid: number | undefined): boolean =>
      mayRead({ ...readersOf(access), owner: 5 }, uid, groupsOf);
    for (const uid of [0, 5]) expect(may({ mode: 'private' }, uid), String(uid)).to.equal(true);
    expect(may({ mode: 'private' }, VISITOR)).to.equal(false);
    expect(may({ mode: 'private' }, undefined)).to.equal(false);
    expect(may({ mode: 'private', readers: [String(VISITOR)] }, VISITOR)).to.equal(true);
    expect(may({ readers: ['@200'] }, 7)).to.equal(true);
    expect(may({ readers: ['@200'] }, VISITOR)).to.equal(false);
    expect(may({ mode: 'everyone' }, undefined)).to.equal(true);
    expect(mayRead(undefined, VISITOR, groupsOf)).to.equal(false);
  });

  describe('asked by a second user of the machine', () => {
    let system: RealSystem;

    before(function () {
      needsRoot(this, 'running a program as another user');
    });
    afterEach(async function () {
      await system?.stop(this.currentTest?.state === 'failed');
    });

    /** The body that a user gets, or the error's code. */
    function fetchAs(user: typeof ROOT, url: string): Promise<string> {
      const program = `import { get } from 'node:http';
        get(${JSON.stringify(url)}, (answer) => answer.pipe(process.stdout))
          .on('error', (error) => process.stdout.write(error.code));`;
      return new Promise((resolve, reject) => {
        const words = ['--input-type=module', '-e', program];
        execFile(process.execPath, words, { ...user, cwd: '/', timeout: 30_000 }, (failed, stdout) =>
          failed === null ? resolve(stdout) : reject(failed),
        );
      });
    }

    it('metrics, fits, files, calibrations and gateway show a private application to its owner only', async () => {
      const hostOptions: string[] = [];
      system = new RealSystem({ hostOptions });
      system.web = ANY_WEB_PORT;
      const { address } = await system.simulator({ rate: 1_000, intervalMs: 50 });
      const configuration = join(system.root, 'mirrorflow.json');
      const gateway = { restPort: 0, mirrorPort: 0 };
      const applications = [
        { name: 'hidden', source: address, gateway, access: { mode: 'private' } },
        { name: 'shown', access: { mode: 'everyone' } },
      ];
      writeFileSync(configuration, JSON.stringify({ applications }));
      hostOptions.push('--config', configuration);
      await system.startHost('hidden', 'shown');
      const web = await eventually(async () => (await system.host.info()).web, 'the viewer serves');
      const shown = await fetchAs(OTHER_USER, `${web}metrics`);
      expect(shown).to.contain('"shown"').and.not.to.contain('"hidden"');
      expect(await fetchAs(ROOT, `${web}metrics`)).to.contain('"hidden"');
      const peaks = `${web}api/peaks?app=hidden&spectrum=none`;
      expect(await fetchAs(OTHER_USER, peaks)).to.contain('UNKNOWN_APPLICATION');
      expect(await fetchAs(ROOT, peaks)).to.contain('UNKNOWN_SPECTRUM');
      const calibration = `${web}api/calibration?app=hidden&spectrum=none`;
      expect(await fetchAs(OTHER_USER, calibration)).to.contain('UNKNOWN_APPLICATION');
      expect(await fetchAs(ROOT, calibration)).to.contain('null');
      const save = `${web}api/save?app=hidden&format=json&spectrum=none`;
      expect(await fetchAs(OTHER_USER, save)).to.contain('UNKNOWN_APPLICATION');
      expect(await fetchAs(ROOT, save)).to.contain('UNKNOWN_SPECTRUM');
      const client = await system.client('hidden');
      const port = await eventually(
        async () => (await client.appInfo()).gateway?.restPort,
        'the gateway serves',
      );
      const list = `http://127.0.0.1:${port}/spectcl/spectrum/list`;
      expect(await fetchAs(OTHER_USER, list)).to.equal('ECONNRESET');
      expect(await fetchAs(ROOT, list)).to.contain('"status"');
    });
  });
});
