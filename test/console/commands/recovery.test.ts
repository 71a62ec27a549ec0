/** `verify`, `repair` and `clean` as people and scripts use them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RecoveryReport } from '../../../protocol/host/recovery/report.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { ConsoleSystem } from '../system.js';
import { damageHeader } from '../../protocol/flow/flow-file/damage.js';

describe('verify, repair and clean', () => {
  let system: ConsoleSystem;
  let path: string;
  let file: FlowFile;
  beforeEach(() => {
    system = new ConsoleSystem();
    mkdirSync(join(system.flowDirectory, 'e1'), { mode: 0o750 });
    path = join(system.flowDirectory, 'e1', 'events.flow');
    const identity = { application: 'e1', flow: 'events', type: 'bytes', properties: {} };
    file = createFlowFile({
      path,
      identity,
      slotCount: 4,
      payloadCapacity: 100,
      flags: 0,
      epoch: 1,
      mode: 0o640,
    });
    const ring = new RingWriter(file);
    ring.begin();
    ring.commit(10, 1);
    ring.publish();
    file.granted = 5;
  });
  afterEach(() => system.close());

  const kill = (): void => damageHeader(file, 'ownerStartTicks', 1);

  it('verify: prints its findings as text and JSON, with exit code 0 for a sound file', async () => {
    kill();
    const { exit, stdout } = await system.run('verify', path);
    expect(exit).to.equal(0);
    for (const word of ['sound', 'e1/events', '1 published', 'dead']) expect(stdout).to.contain(word);
    const report = await system.json<RecoveryReport>('verify', path);
    expect(report).to.deep.include({
      file: path,
      verdict: 'sound',
      owner: { pid: process.pid, alive: false },
    });
  });

  it('verify and repair: their exit codes tell sound, repairable and irreparable files apart', async () => {
    expect((await system.run('repair', path)).exit).to.equal(1); // its owner lives
    damageHeader(file, 'sourceState', 99);
    expect((await system.run('repair', path)).stdout).to.contain('its owner lives');
    kill();
    expect((await system.run('verify', path)).exit).to.equal(6);
    expect((await system.run('repair', path)).exit).to.equal(0);
    expect((await system.run('verify', path)).exit).to.equal(0);
    file.granted = 500;
    expect((await system.run('verify', path)).exit).to.equal(7);
    expect((await system.run('repair', path)).exit).to.equal(7);
    expect((await system.run('verify', `${path}.not`)).exit).to.equal(4);
    expect((await system.run('verify')).exit).to.equal(2);
  });

  it('clean: shows leftovers with --dry-run and removes them without', async () => {
    const where = ['--flow-dir', system.flowDirectory];
    expect((await system.run('clean', ...where)).stdout).to.contain('No leftovers');
    kill();
    const shown = await system.run('clean', '--dry-run', ...where);
    expect(shown.stdout).to.contain(path).and.contain('found');
    expect(existsSync(path)).to.equal(true);
    const { exit, stdout } = await system.run('clean', '--json', ...where);
    expect([exit, stdout.includes('"outcome":"removed"')]).to.deep.equal([0, true]);
    expect(existsSync(path)).to.equal(false);
    expect((await system.run('clean', ...where)).stdout).to.contain('No leftovers');
  });
});
