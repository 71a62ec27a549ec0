/** `mirrorflow version`: prints the version of this installation. */
import { command } from '../command.js';
import { packageVersion } from '../../protocol/base/installation.js';

export const versionCommand = command({
  name: 'version',
  summary: 'print the version',
  positionals: {},
  options: {},
  examples: [['version', 'one line']],
  async run({ output }) {
    const version = packageVersion();
    if (output.json) output.value({ version });
    else output.lines([version]);
  },
});
