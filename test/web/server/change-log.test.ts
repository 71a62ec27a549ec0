/** The record of who changed SpecTcl. Writes files below a temporary directory. */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { changeFiles } from '../../../protocol/spectcl/change-files.js';
import { ChangeLog } from '../../../web/server/change-log.js';
import { silent } from '../../kit/silent-log.js';

describe('the record of changes', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-changes-'));
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const record = (time: number, spectrum = 'tof') => ({
    app: 'e1',
    time,
    who: 'page',
    address: '127.0.0.1',
    request: { request: 'spectrum/zero', spectrum } as const,
    outcome: { done: true } as const,
  });
  const times = (log: ChangeLog): number[] => log.recent('e1').map(({ timeMs }) => timeMs);

  it('the record of changes has who, address, time, request and outcome of each, newest first, also after a restart', () => {
    const directory = join(root, 'new');
    const log = new ChangeLog(directory, silent);
    log.append(record(1));
    log.append({ ...record(2), outcome: { done: false, reason: 'command failed' } });
    expect(new ChangeLog(directory, silent).recent('e1')).to.deep.equal([
      {
        timeMs: 2,
        who: 'page',
        address: '127.0.0.1',
        change: 'zero tof',
        done: false,
        reason: 'command failed',
        request: { request: 'spectrum/zero', spectrum: 'tof' },
      },
      {
        timeMs: 1,
        who: 'page',
        address: '127.0.0.1',
        change: 'zero tof',
        done: true,
        reason: '',
        request: { request: 'spectrum/zero', spectrum: 'tof' },
      },
    ]);
    expect(log.recent('e2')).to.deep.equal([]);
  });

  it('a line that a crash has cut loses only itself', () => {
    const log = new ChangeLog(root, silent);
    log.append(record(1));
    appendFileSync(changeFiles(root, 'e1')[0], '{"timeMs":2,"who":"pa');
    log.append(record(3));
    expect(times(log)).to.deep.equal([3, 1]);
  });

  it('the record of changes stays within two files of the bound, and the oldest changes are removed first', () => {
    const bytesMax = 2_000;
    const log = new ChangeLog(root, silent, bytesMax);
    for (let time = 1; time <= 100; time += 1) log.append(record(time));
    for (const path of changeFiles(root, 'e1')) expect(statSync(path).size).to.be.at.most(bytesMax);
    const kept = times(log);
    expect(kept).to.deep.equal(Array.from({ length: kept.length }, (_, index) => 100 - index));
    expect(kept.length).to.be.above(10);
  });

  it('a directory that cannot be written is reported in the log, and the change stays made', () => {
    writeFileSync(join(root, 'file'), '');
    const warnings: string[] = [];
    const log = Object.assign(Object.create(silent) as typeof silent, {
      warn: (text: string) => warnings.push(text),
    });
    new ChangeLog(join(root, 'file', 'state'), log).append(record(1));
    expect(warnings).to.deep.equal(['cannot keep the record of a change of SpecTcl']);
  });

  it('a file has the mode of what only its owner and group may read', () => {
    mkdirSync(join(root, 'state'));
    new ChangeLog(join(root, 'state'), silent).append(record(1));
    const [path] = changeFiles(join(root, 'state'), 'e1');
    expect(statSync(path).mode & 0o027).to.equal(0);
    expect(readFileSync(path, 'utf8').endsWith('}\n')).to.equal(true);
  });
});
