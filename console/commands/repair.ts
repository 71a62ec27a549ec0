/**
 * `mirrorflow repair`: repairs a flow file whose duplicator died, if it can be repaired.
 *
 * The recovery program does the work, as a child process, because a damaged file may kill the
 * process that maps it. It writes to the file in place.
 */
import path from 'node:path';
import { command } from '../command.js';

export const repairCommand = command({
  name: 'repair',
  summary: 'repair a flow file whose owner died, if it can be repaired',
  positionals: {
    file: {
      type: 'string',
      demandOption: true,
      describe: 'path of the flow file, NAME.flow',
      completes: 'file',
    },
  },
  options: {},
  examples: [
    [
      'repair /dev/shm/mirrorflow-1000/e23001/spectra.flow',
      'what the next duplicator of the flow does by itself',
    ],
  ],
  epilogue: 'Further exit codes: 6 the file can be repaired, 7 it has to be replaced.',
  async run({ output }, { file }) {
    const { runRecovery: askRecovery } = await import('../host-process/recovery.js');
    const { text, exit } = await askRecovery('repair', path.resolve(file), output.json);
    output.raw(text);
    return exit;
  },
});
