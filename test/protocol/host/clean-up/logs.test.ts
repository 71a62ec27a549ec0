/** Tests which logs the clean-up removes. Real files. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { removeOldLogs } from '../../../../protocol/host/clean-up/logs.js';
import { flowFilePath } from '../../../../protocol/base/paths.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const HOUR_MS = 3_600_000;
const NOW_MS = 2_000_000_000_000;

describe('the clean-up of logs', () => {
  let root: TemporaryDirectory;
  let places: { directory: string; flowDirectory: string };

  beforeEach(() => {
    root = new TemporaryDirectory();
    places = { directory: root.file('run'), flowDirectory: root.file('flows') };
    mkdirSync(root.file('run/logs'), { recursive: true });
    mkdirSync(root.file('run/apps'));
    mkdirSync(root.file('flows/e1'), { recursive: true });
  });

  afterEach(() => root.remove());

  function log(name: string, ageH: number): void {
    const path = join(root.file('run/logs'), name);
    writeFileSync(path, 'line\n');
    utimesSync(path, new Date(NOW_MS), new Date(NOW_MS - ageH * HOUR_MS));
  }

  function left(): string[] {
    removeOldLogs(places, NOW_MS);
    return readdirSync(root.file('run/logs')).toSorted();
  }

  it('a log is kept with its flow or application, and for a week without', () => {
    writeFileSync(flowFilePath(places.flowDirectory, 'e1', 'spectra'), '');
    writeFileSync(root.file('run/apps/e1.json'), '{}');
    const kept = [
      'duplicator-e1@spectra.log',
      'app-server-e1.log',
      'gateway-e1.log',
      'web.log',
      'host-server.log',
    ];
    for (const name of [...kept, 'notes.log']) log(name, 1_000);
    for (const name of ['duplicator-e1@gone.log', 'duplicator-e1@gone.log.1', 'gateway-e2.log'])
      log(name, 169);
    log('duplicator-e1@yesterday.log', 24);
    log('program-e2@online.log', 200);
    expect(left()).to.deep.equal([...kept, 'notes.log', 'duplicator-e1@yesterday.log'].toSorted());
  });

  it('the newest 64 of hundreds of logs of flows that no longer exist are kept', () => {
    for (let flow = 0; flow < 291; flow += 1) log(`duplicator-e1@flow${flow}.log`, 2 + flow / 100);
    log('duplicator-e1@just-ended.log', 0);
    const names = left();
    expect(names).to.have.length(64);
    expect(names).to.include.members(['duplicator-e1@flow0.log', 'duplicator-e1@just-ended.log']);
  });
});
