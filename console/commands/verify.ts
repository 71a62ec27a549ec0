/**
 * `mirrorflow verify`: looks whether a flow file is sound, and says what it found. The work is the
 * recovery program's; it is asked as a child.
 */
import path from 'node:path';
import { command } from '../command.js';

export const verifyCommand = command({
  name: 'verify',
  summary: 'looks whether a flow file is sound, and says what it found',
  positionals: {
    file: { type: 'string', demandOption: true, describe: 'path of the flow file, NAME.flow' },
  },
  options: {},
  examples: [['verify /dev/shm/mirrorflow-1000/e23001/spectra.flow', 'is it sound, and whose is it']],
  epilogue: 'Exit codes beside the usual: 6 a repair would make it sound, 7 it has to be replaced.',
  async run({ output }, { file }) {
    const { askRecovery } = await import('../host-process/recovery.js');
    const { text, exit } = await askRecovery('verify', path.resolve(file), output.json);
    output.raw(text);
    return exit;
  },
});
