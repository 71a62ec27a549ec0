import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nextEpoch } from '../../../duplicator/recovery/epoch.js';

describe('the epoch of a new flow file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is the time in microseconds', () => {
    expect(nextEpoch(directory, 0, 1_700_000_000_000)).to.equal(1_700_000_000_000_000);
  });

  it('grows also when the clock was set back, and whatever became of the files', () => {
    const first = nextEpoch(directory, 0, 1_700_000_000_000);
    expect(nextEpoch(directory, 0, 1_600_000_000_000)).to.equal(first + 1);
    expect(nextEpoch(directory, 0, 0)).to.equal(first + 2);
  });

  it('is larger than that of the file it replaces', () => {
    expect(nextEpoch(directory, 1_700_000_000_000_005, 1_600_000_000_000)).to.equal(1_700_000_000_000_006);
  });

  it('is not led into the impossible by a spoilt one', () => {
    expect(nextEpoch(directory, Number.MAX_SAFE_INTEGER, 1_700_000_000_000)).to.equal(1_700_000_000_000_000);
  });
});
