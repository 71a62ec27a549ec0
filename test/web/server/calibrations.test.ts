/** Calibrations of spectra, in memory and in files. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Logger } from '../../../protocol/base/log.js';
import { AppRecords } from '../../../web/server/app-records.js';
import { CALIBRATIONS } from '../../../web/server/calibrations.js';

const log = new Logger('web', { sink: () => undefined });
const CALIBRATION = { coefficients: [1, 2], unit: 'keV' };

describe('calibrations on the server', () => {
  let root: string;
  let directory: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    directory = join(root, 'state');
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('a calibration is there after a restart, and no other file is left', () => {
    const first = new AppRecords(directory, CALIBRATIONS, log);
    const changed: string[] = [];
    first.on('changed', (app) => changed.push(app));
    first.set('e1', 'ge.00', CALIBRATION);
    first.set('e1', 'ge.01', CALIBRATION);
    expect(changed).to.deep.equal(['e1', 'e1']);
    const next = new AppRecords(directory, CALIBRATIONS, log);
    expect(next.of('e1')).to.deep.equal({ 'ge.00': CALIBRATION, 'ge.01': CALIBRATION });
    next.set('e1', 'ge.00', undefined);
    expect(new AppRecords(directory, CALIBRATIONS, log).of('e1')).to.deep.equal({ 'ge.01': CALIBRATION });
    expect(readdirSync(directory)).to.deep.equal(['calibrations-e1.json']);
  });

  it('entries of a file that are no calibrations are left out', () => {
    new AppRecords(directory, CALIBRATIONS, log).set('e1', 'good', CALIBRATION);
    const file = join(directory, 'calibrations-e1.json');
    writeFileSync(
      file,
      JSON.stringify({ good: CALIBRATION, bad: { coefficients: ['1', 2], unit: 'keV' }, other: 3 }),
    );
    expect(new AppRecords(directory, CALIBRATIONS, log).of('e1')).to.deep.equal({ good: CALIBRATION });
    writeFileSync(file, 'no JSON');
    expect(new AppRecords(directory, CALIBRATIONS, log).of('e1')).to.deep.equal({});
  });

  it('a directory that cannot be made is an error with the path and the remedy', () => {
    writeFileSync(join(root, 'file'), '');
    const calibrations = new AppRecords(join(root, 'file', 'state'), CALIBRATIONS, log);
    expect(() => calibrations.set('e1', 'ge.00', CALIBRATION)).to.throw(
      '--state-directory names another place',
    );
  });
});
