/**
 * `mirrorflow repair`: repairs a flow file whose owner died, where it can be repaired. The work is
 * the recovery program's; it is asked as a child.
 */
import path from 'node:path';
import { command } from '../command.js';

export const repairCommand = command({
  name: 'repair',
  summary: 'repairs a flow file whose owner died, where it can be repaired',
  positionals: {
    file: { type: 'string', demandOption: true, describe: 'path of the flow file, NAME.flow' },
  },
  options: {},
  examples: [
    [
      'repair /dev/shm/mirrorflow-1000/e23001/spectra.flow',
      'as the next duplicator of the flow would by itself',
    ],
  ],
  epilogue: 'Exit codes beside the usual: 6 a repair would make it sound, 7 it has to be replaced.',
  async run({ output }, { file }) {
    const { askRecovery } = await import('../host-process/recovery.js');
    const { text, exit } = await askRecovery('repair', path.resolve(file), output.json);
    output.raw(text);
    return exit;
  },
});
