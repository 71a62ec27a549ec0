/** Epochs of flow files grow, even when the clock was set back. Writes a temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nextEpoch } from '../../../duplicator/recovery/epoch.js';

describe('nextEpoch', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('an epoch is the time in microseconds', () => {
    expect(nextEpoch(directory, 0, 1_700_000_000_000)).to.equal(1_700_000_000_000_000);
  });

  it('an epoch is larger than the last one though the clock was set back and no file is left', () => {
    const first = nextEpoch(directory, 0, 1_700_000_000_000);
    expect(nextEpoch(directory, 0, 1_600_000_000_000)).to.equal(first + 1);
    expect(nextEpoch(directory, 0, 0)).to.equal(first + 2);
  });

  it('an epoch is larger than that of the replaced file', () => {
    expect(nextEpoch(directory, 1_700_000_000_000_005, 1_600_000_000_000)).to.equal(1_700_000_000_000_006);
  });

  it('an impossible epoch in the replaced file is ignored', () => {
    expect(nextEpoch(directory, Number.MAX_SAFE_INTEGER, 1_700_000_000_000)).to.equal(1_700_000_000_000_000);
  });
});
