/**
 * `mirrorflow build-addons`: compiles the two native modules for the Node that runs it, if the
 * package has no build for that Node.
 *
 * Runs `scripts/addons.mjs` of this installation as a child process, which writes to `addons/`.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { packageFolder } from '../../protocol/base/installation.js';
import { command } from '../command.js';

export const buildAddonsCommand = command({
  name: 'build-addons',
  summary: 'compile the native modules for this Node, where the package has none for it',
  positionals: {},
  options: {},
  examples: [
    ['build-addons', 'compile them; needs g++ 10 or newer, make, Python 3, npm and the headers of this Node'],
  ],
  async run({ output }) {
    const script = path.join(packageFolder(), 'scripts', 'addons.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    if (status !== 0) throw new MirrorflowError('START_FAILED', stderr.trim());
    const folder = stdout.trim();
    if (output.json) output.value({ folder });
    else output.lines([`native modules for Node ${process.version} are in ${folder}`]);
  },
});
