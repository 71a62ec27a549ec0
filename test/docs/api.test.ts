/** Everything that the library exports is documented; `npm run api-docs` makes pages of it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';
import { skip } from '../kit/skip.js';

/** As scripts/api-docs.mjs ends where the registry cannot be reached. */
const NO_TOOL = 3;

describe('the documentation of the library', () => {
  it('every class, member, type and function that the library exports is documented', function () {
    const script = join(packageFolder(), 'scripts', 'api-docs.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    if (status === NO_TOOL) skip(this, stderr.trim());
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
  });
});
