/**
 * `mirrorflow verify`: checks whether a flow file is valid and prints the findings.
 *
 * The recovery program does the work, as a child process, because a damaged file may kill the
 * process that maps it. Nothing is written to the file.
 */
import path from 'node:path';
import { command } from '../command.js';

export const verifyCommand = command({
  name: 'verify',
  summary: 'check whether a flow file is sound, and print the findings',
  positionals: {
    file: {
      type: 'string',
      demandOption: true,
      describe: 'path of the flow file, NAME.flow',
      completes: 'file',
    },
  },
  options: {},
  examples: [['verify /dev/shm/mirrorflow-1000/e23001/spectra.flow', 'its state and its owner']],
  epilogue: 'Further exit codes: 6 the file can be repaired, 7 it has to be replaced.',
  async run({ output }, { file }) {
    const { runRecovery: askRecovery } = await import('../host-process/recovery.js');
    const { text, exit } = await askRecovery('verify', path.resolve(file), output.json);
    output.raw(text);
    return exit;
  },
});
